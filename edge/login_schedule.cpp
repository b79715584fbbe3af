#include "edge/login_schedule.hpp"

#include <algorithm>

namespace steward::edge {

void LoginSchedule::due_at(Steady due) {
  due_ = due;
  next_ = due;
  again_ = kFirstAgain;
}

void LoginSchedule::found(const identity::LoginClaims& login, wire::Timestamp wall, Steady now) {
  if (!login.expires) {
    due_.reset();
    return;
  }
  // A clock that stands before the login's making is wrong: one login more does no harm.
  const auto due = login.issued + (*login.expires - login.issued) * 2 / 3;
  due_at(wall < login.issued || wall >= due ? now : now + (due - wall));
}

void LoginSchedule::renewed(const identity::LoginClaims& login, Steady now) {
  if (!login.expires) {
    due_.reset();
    return;
  }
  due_at(now + (*login.expires - login.issued) * 2 / 3);
}

void LoginSchedule::refused(Steady now) { due_at(now); }

void LoginSchedule::asked(Steady now) {
  next_ = now + again_;
  again_ = std::min<std::chrono::milliseconds>(again_ * 2, kLastAgain);
}

void LoginSchedule::link_up(Steady now) {
  next_ = now;
  again_ = kFirstAgain;
}

}  // namespace steward::edge
