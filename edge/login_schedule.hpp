#pragma once

#include "subjects/identity/unit_login.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <optional>

namespace steward::edge {

// When a unit asks for another login: from two thirds of the present one's life on, and until it
// has another one, at growing intervals. A state machine: time is passed in. How long a login lasts
// is measured by the steady clock from when it came, since the wall clock may be wrong; only of one
// that was found at the start the wall clock has to say how old it is.
class LoginSchedule {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kFirstAgain{5};
  static constexpr std::chrono::minutes kLastAgain{30};

  // A login that was found at the start.
  void found(const identity::LoginClaims& login, wire::Timestamp wall, Steady now);

  // A new one came.
  void renewed(const identity::LoginClaims& login, Steady now);

  // The broker does not let us in by it, whatever the clocks say: another one is wanted at once.
  void refused(Steady now);

  // Whether another one is wanted, and whether to ask for it now.
  bool wanted(Steady now) const { return due_ && now >= *due_; }

  bool should_ask(Steady now) const { return wanted(now) && now >= next_; }

  void asked(Steady now);

  // The way to the station is open again: whoever wants one asks at once.
  void link_up(Steady now);

 private:
  void due_at(Steady due);

  std::optional<Steady> due_;  // none: it has no end
  Steady next_{};
  std::chrono::milliseconds again_ = kFirstAgain;
};

}  // namespace steward::edge
