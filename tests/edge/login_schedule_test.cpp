#include "edge/login_schedule.hpp"

#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>

namespace steward::edge::login_schedule_test {
namespace {

using identity::NkeyKind;
using identity::UnitLoginKeys;
using identity::tests::Broker;
using identity::tests::fixed_nkey;
using identity::tests::noon;
using std::chrono::hours;
using std::chrono::seconds;
using Steady = LoginSchedule::Steady;

identity::LoginClaims login(wire::Timestamp issued, seconds life) {
  const Broker broker;
  const auto keys = broker.login_keys();
  const auto jwt = identity::sign_unit_login(*wire::NodeName::parse("ship1"),
                                             fixed_nkey(NkeyKind::user, 0x70).public_key(),
                                             keys,
                                             issued,
                                             life);
  return identity::read_login(jwt.value()).value();
}

constexpr seconds kDay{86'400};

}  // namespace

TEST_CASE("login schedule: another one is wanted from two thirds of its life on") {
  LoginSchedule schedule;
  const Steady start(seconds(1'000));
  schedule.found(login(noon(), kDay * 3), noon() + kDay, start);
  CHECK_FALSE(schedule.wanted(start + kDay - seconds(1)));
  CHECK(schedule.should_ask(start + kDay));
  schedule.renewed(login(noon() + kDay * 2, kDay * 3), start + kDay);
  CHECK_FALSE(schedule.wanted(start + kDay * 3 - seconds(1)));
  CHECK(schedule.wanted(start + kDay * 3));
}

TEST_CASE("login schedule: without an answer it asks at growing intervals, at once on a new link") {
  LoginSchedule schedule;
  Steady now(seconds(1'000));
  schedule.found(login(noon(), kDay * 3), noon() + kDay * 2, now);
  seconds wait = LoginSchedule::kFirstAgain;
  for (int turn = 0; turn < 12; ++turn) {
    REQUIRE(schedule.should_ask(now));
    schedule.asked(now);
    CHECK_FALSE(schedule.should_ask(now + wait - seconds(1)));
    now += wait;
    wait = std::min<seconds>(wait * 2, LoginSchedule::kLastAgain);
  }
  schedule.asked(now);
  CHECK_FALSE(schedule.should_ask(now));
  schedule.link_up(now);
  CHECK(schedule.should_ask(now));
}

TEST_CASE("login schedule: a clock that is wrong, a login without an end, one that is refused") {
  const Steady now(seconds(1'000));
  LoginSchedule schedule;
  schedule.found(login(noon(), kDay), noon() - kDay * 400, now);  // a clock without a battery
  CHECK(schedule.wanted(now));
  schedule.found(login(noon(), kDay), noon() + kDay * 400, now);
  CHECK(schedule.wanted(now));
  // A clock far ahead: the next one is asked for in its time all the same.
  schedule.renewed(login(noon(), kDay), now);
  CHECK_FALSE(schedule.wanted(now + hours(15)));
  schedule.refused(now + hours(1));
  CHECK(schedule.should_ask(now + hours(1)));
  auto endless = login(noon(), kDay);
  endless.expires.reset();
  schedule.renewed(endless, now);
  CHECK_FALSE(schedule.wanted(now + kDay * 4'000));
}

namespace {

// A unit and a station's keys over simulated days: what the broker says of the unit's login.
class Life {
 public:
  Life() { schedule_.found(present(), wall_, now_); }

  // An hour at a time; the station can be reached only where that is said.
  void pass(hours time, bool there) {
    for (const auto until = now_ + time; now_ < until; now_ += kStep, wall_ += kStep) {
      const bool is_good = good();
      steps_out_ += is_good ? 0 : 1;
      if (!is_good && there) {
        schedule_.refused(now_);  // the second login is asked by, which holds for a year
      }
      if (!there || !schedule_.should_ask(now_)) {
        continue;
      }
      schedule_.asked(now_);
      const auto jwt = identity::sign_unit_login(
          *wire::NodeName::parse("ship1"), user_.public_key(), keys_, wall_);
      const auto next = identity::check_renewed_login(present(), jwt.value());
      REQUIRE(next);
      jwt_ = *jwt;
      schedule_.renewed(*next, now_);
      ++renewals_;
    }
  }

  bool good() const {
    return identity::verify_user(jwt_, broker_.account_claims, wall_).has_value();
  }

  int renewals() const { return renewals_; }

  int steps_out() const { return steps_out_; }

 private:
  static constexpr hours kStep{1};

  identity::LoginClaims present() const { return identity::read_login(jwt_).value(); }

  const Broker broker_;
  const UnitLoginKeys keys_ = broker_.login_keys();
  const identity::NkeyPair user_ = fixed_nkey(NkeyKind::user, 0x70);
  wire::Timestamp wall_ = noon();
  Steady now_{seconds(1'000)};
  LoginSchedule schedule_;
  std::string jwt_ =
      identity::sign_unit_login(*wire::NodeName::parse("ship1"), user_.public_key(), keys_, wall_)
          .value();
  int renewals_ = 0;
  int steps_out_ = 0;
};

}  // namespace

TEST_CASE("login schedule: thirty days unattended, and no moment without a good login") {
  Life life;
  life.pass(hours(24 * 30), true);
  CHECK(life.steps_out() == 0);
  CHECK(life.good());
  CHECK(life.renewals() == 6);  // each 112 hours
}

TEST_CASE("login schedule: away for two days at any moment of it costs nothing") {
  Life life;
  for (int turn = 0; turn < 6; ++turn) {
    life.pass(hours(72), true);
    life.pass(hours(48), false);
  }
  CHECK(life.steps_out() == 0);
}

TEST_CASE("login schedule: silent for sixty days it has a login again at once") {
  Life life;
  life.pass(hours(24), true);
  life.pass(hours(24 * 60), false);
  CHECK_FALSE(life.good());
  const int out = life.steps_out();
  life.pass(hours(1), true);
  CHECK(life.good());
  CHECK(life.steps_out() == out + 1);
}

}  // namespace steward::edge::login_schedule_test
