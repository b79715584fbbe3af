#include "tests/fault/support/load.hpp"

#include <doctest/doctest.h>

#include <signal.h>

namespace steward::tests::poison_test {
namespace {

using std::chrono::minutes;

#if defined(STEWARD_CRASH_POINTS)

// A command that ends the agent, or its handler, each time that it is met.
void poison(const std::string& point, const std::string& how) {
  auto fleet = Fleet::start();
  if (!fleet) {
    return;
  }
  Operator eva(fleet->url());
  Load load(*fleet, eva);
  const auto shell = Fleet::name_of(0) + ".command.shellcommand.operatingsystem";
  fleet->take_down(fleet->unit(0), SIGTERM);
  const auto poison = eva.give({shell, R"({"argv":["true"]})"});
  const Process::Environment poisoned{{how, point + ":1:" + poison.str()}};
  load.give(1);
  // Behind it, also where the broker is slow.
  REQUIRE(fleet->tend_until([&] { return eva.unstored() == 0; }, minutes(1)));
  fleet->bring_up(fleet->unit(0), poisoned);
  fleet->hold(fleet->unit(0));  // started again here: the poison works in every life
  int lives = 1;
  const bool ended = fleet->tend_until(
      [&] {
        eva.insist();
        if (!fleet->unit(0).running()) {
          ++lives;
          fleet->unit(0).start(poisoned);
        }
        const auto rows = eva.job(poison);
        return rows.size() == 1 && wire::is_terminal(rows[0].state);
      },
      minutes(3));
  REQUIRE(ended);
  const auto row = eva.job(poison).at(0);
  // It was never accepted: nothing of it has begun.
  CHECK(row.state == wire::CommandState::refused);
  CHECK(row.code == "handler_crashed");
  if (how == "STEWARD_CRASH") {
    CHECK(lives == 4);
    CHECK(fleet->unit(0).crashes() == 3);
  }
  // The next one starts.
  CHECK_MESSAGE(load.finish(minutes(1)), load.stuck());
  CHECK(load.check(Load::Interrupted::none).done == 1);
  CHECK(fleet->unit(0).running());
}

#endif

}  // namespace

TEST_CASE("fault: a command at which the agent dies three times is reported and left alone") {
#if defined(STEWARD_CRASH_POINTS)
  poison("edge.handler.receive", "STEWARD_CRASH");
#else
  MESSAGE("SKIPPED: built without crash points");
#endif
}

TEST_CASE("fault: a command at which its handler fails is reported, and the next one starts") {
#if defined(STEWARD_CRASH_POINTS)
  poison("edge.handler.receive", "STEWARD_THROW");
#else
  MESSAGE("SKIPPED: built without crash points");
#endif
}

}  // namespace steward::tests::poison_test
