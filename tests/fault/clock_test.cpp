#include "tests/fault/support/load.hpp"
#include "tests/fault/support/shim_file.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <signal.h>

namespace steward::tests::clock_test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr hours kYear{24 * 365};

// Waits until the unit's hello says a clock that is so far ahead, within a minute.
bool has_clock(Fleet& fleet, Operator& eva, std::chrono::nanoseconds ahead) {
  return fleet.tend_until(
      [&] {
        const auto row = eva.unit(Fleet::name_of(0));
        if (!row) {
          return false;
        }
        const auto expected = Operator::now().time_since_epoch() + ahead;
        return std::chrono::abs(row->hello.clock - expected) < minutes(1);
      },
      minutes(1));
}

}  // namespace

TEST_CASE("fault: a unit whose clock steps by years runs nothing that has expired, nothing twice") {
  const TemporaryFolder place;
  ShimFile shim(place.path() / "orders");
  const auto fleet = Fleet::start({.environment = shim.environment()});
  if (!fleet) {
    return;
  }
  Operator eva(fleet->url());
  Load load(*fleet, eva);
  load.give(10);
  REQUIRE_MESSAGE(load.finish(minutes(1)), load.stuck());

  const auto shell = Fleet::name_of(0) + ".command.shellcommand.operatingsystem";
  const auto file = (fleet->folder() / "expired-ran").string();
  // Ten minutes back, and a machine without a battery: what is given now still runs.
  for (const std::chrono::nanoseconds ahead :
       {std::chrono::nanoseconds(-minutes(10)), std::chrono::nanoseconds(-50 * kYear)}) {
    shim.set_clock(ahead);
    REQUIRE(has_clock(*fleet, eva, ahead));
    load.give(5);
    CHECK_MESSAGE(load.finish(minutes(1)), load.stuck());
  }
  // A year ahead: what is given now has expired there, and does not run.
  shim.set_clock(kYear);
  REQUIRE(has_clock(*fleet, eva, kYear));
  const auto late = eva.give({shell, R"({"argv":["touch",")" + file + "\"]}"});
  CHECK(fleet->tend_until(
      [&] {
        eva.insist();
        const auto rows = eva.job(late);
        return rows.size() == 1 && rows[0].state == wire::CommandState::expired;
      },
      minutes(1)));
  // Right again: everything is given once more, and nothing runs again.
  shim.set_clock(std::chrono::nanoseconds(0));
  REQUIRE(has_clock(*fleet, eva, std::chrono::nanoseconds(0)));
  eva.repeat();
  load.give(10);
  CHECK_MESSAGE(load.finish(minutes(1)), load.stuck());
  CHECK_FALSE(std::filesystem::exists(file));
  const auto outcome = load.check(Load::Interrupted::none);
  CHECK(outcome.done == load.given());
}

TEST_CASE("fault: a station whose clock steps still sends again what a unit has missed") {
  const TemporaryFolder place;
  ShimFile shim(place.path() / "orders");
  const auto fleet = Fleet::start({.environment = shim.environment()});
  if (!fleet) {
    return;
  }
  Operator eva(fleet->url());
  Load load(*fleet, eva);
  for (const auto ahead : {-minutes(10), minutes(10)}) {
    fleet->take_down(fleet->unit(0), SIGKILL);
    load.give(5);
    REQUIRE(fleet->tend_until(
        [&] {
          eva.insist();
          const auto row = eva.unit(Fleet::name_of(0));
          return eva.unstored() == 0 && row && row->commands.open == 5;
        },
        minutes(1)));
    shim.set_clock(ahead);
    fleet->bring_up(fleet->unit(0));
    CHECK_MESSAGE(load.finish(minutes(1)), load.stuck());
  }
  const auto outcome = load.check(Load::Interrupted::none);
  CHECK(outcome.done == load.given());
}

}  // namespace steward::tests::clock_test
