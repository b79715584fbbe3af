#include "tests/fault/support/load.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace steward::tests::broker_restart_test {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

TEST_CASE("fault: a broker that is killed and restarted under load loses nothing") {
  Chance chance;
  const auto fleet = Fleet::start({.units = 3});
  if (!fleet) {
    return;
  }
  const int restarts = is_long() ? 50 : 6;
  Operator eva(fleet->url());
  Load load(*fleet, eva);
  std::vector<milliseconds> back;
  for (int round = 0; round < restarts; ++round) {
    load.give(30);
    const auto until = Steady::now() + chance.between(50, 600);
    CHECK(fleet->tend_until([&] { return Steady::now() >= until; }, std::chrono::seconds(30)));
    const auto killed = Operator::now();
    fleet->broker().kill9();
    fleet->broker().restart();
    const auto restarted = Steady::now();
    for (std::size_t unit = 0; unit < fleet->size(); ++unit) {
      REQUIRE(fleet->tend_until(
          [&] {
            const auto row = eva.unit(Fleet::name_of(unit));
            return row && row->last_seen && *row->last_seen > killed;
          },
          std::chrono::minutes(1)));
    }
    back.push_back(std::chrono::duration_cast<milliseconds>(Steady::now() - restarted));
  }
  CHECK_MESSAGE(load.finish(std::chrono::minutes(4)), load.stuck());
  const auto outcome = load.check(Load::Interrupted::none);
  CHECK(outcome.done == load.given());
  MESSAGE(restarts,
          " restarts; all units were heard of again after at most ",
          std::max_element(back.begin(), back.end())->count(),
          " ms");
  CHECK(*std::max_element(back.begin(), back.end()) < std::chrono::seconds(15));
}

}  // namespace
}  // namespace steward::tests::broker_restart_test
