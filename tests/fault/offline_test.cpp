#include "tests/fault/support/load.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <algorithm>

namespace steward::tests::offline_test {
namespace {

constexpr std::size_t kCommands = 1'000;

TEST_CASE("fault: a unit that was offline through 1,000 commands runs them in order on return") {
  const auto fleet = Fleet::start();
  if (!fleet) {
    return;
  }
  Operator eva(fleet->url());
  Load load(*fleet, eva);
  fleet->take_down(fleet->unit(0), SIGKILL);
  load.give(kCommands);
  REQUIRE(fleet->tend_until(
      [&] {
        eva.insist();
        const auto row = eva.unit(Fleet::name_of(0));
        return eva.unstored() == 0 && row && row->commands.open == kCommands;
      },
      std::chrono::minutes(2)));
  CHECK(load.effects(0).empty());
  fleet->bring_up(fleet->unit(0));
  CHECK_MESSAGE(load.finish(std::chrono::minutes(3)), load.stuck());
  const auto outcome = load.check(Load::Interrupted::none);
  CHECK(outcome.done == kCommands);
  const auto order = load.effects(0);
  CHECK(order.size() == kCommands);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

}  // namespace
}  // namespace steward::tests::offline_test
