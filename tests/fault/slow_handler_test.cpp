#include "tests/fault/support/load.hpp"

#include <doctest/doctest.h>

#include <signal.h>

namespace steward::tests::slow_handler_test {
namespace {

using std::chrono::minutes;

TEST_CASE("fault: a handler that is stuck delays no other") {
#if defined(STEWARD_CRASH_POINTS)
  const auto fleet = Fleet::start({.edge_config = "[shellcommand.kitchen]\nmax_queued = 1000\n"});
  if (!fleet) {
    return;
  }
  Operator eva(fleet->url());
  const auto name = Fleet::name_of(0);
  fleet->take_down(fleet->unit(0), SIGTERM);
  // Its thread sleeps for 10 s before the first child that it makes.
  const auto slow =
      eva.give({name + ".command.shellcommand.operatingsystem", R"({"argv":["true"]})"});
  fleet->bring_up(fleet->unit(0), {{"STEWARD_STALL", "edge.spawn.before:1:" + slow.str()}});
  REQUIRE(fleet->tend_until(
      [&] {
        eva.insist();
        return fleet->unit(0).log().find("stalls") != std::string::npos;
      },
      minutes(1)));

  const auto job = eva.new_id();
  for (int i = 0; i < 50; ++i) {
    eva.give({name + ".command.shellcommand.kitchen", R"({"argv":["true"]})", job});
  }
  const bool done = fleet->tend_until(
      [&] {
        eva.insist();
        const auto row = eva.unit(name);
        return row && row->commands.done >= 50;
      },
      std::chrono::seconds(9));
  CHECK(done);
  CHECK(eva.terminals(slow).empty());  // else it was not stuck
  CHECK(fleet->tend_until([&] { return eva.terminals(slow).size() == 1; }, minutes(1)));
  CHECK(eva.terminals(slow).front().state == wire::CommandState::done);
#else
  MESSAGE("SKIPPED: built without crash points");
#endif
}

}  // namespace
}  // namespace steward::tests::slow_handler_test
