#include "tests/fault/support/load.hpp"

#include <doctest/doctest.h>

#include <signal.h>

namespace steward::tests::random_kills_test {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

struct Kills {
  int edge = 0;
  int station = 0;
  int broker = 0;
};

// Kills one of the three now and then.
class Killer {
 public:
  Killer(Fleet& fleet, Chance& chance) : fleet_(fleet), chance_(chance) { wait(); }

  void maybe() {
    if (Steady::now() < next_) {
      return;
    }
    wait();
    switch (chance_.below(4)) {
      case 0:
        fleet_.station().end_by(SIGKILL);
        ++kills.station;
        break;
      case 1:
        fleet_.broker().kill9();
        fleet_.broker().restart();
        ++kills.broker;
        break;
      default:
        fleet_.unit(chance_.below(fleet_.size())).end_by(SIGKILL);
        ++kills.edge;
        break;
    }
  }

  Kills kills;

 private:
  // Often enough to meet every step, seldom enough for the three to come back in between.
  void wait() { next_ = Steady::now() + chance_.between(100, 1'200); }

  Fleet& fleet_;
  Chance& chance_;
  Steady::time_point next_;
};

}  // namespace

TEST_CASE("fault: commands under random kills of unit, station and broker: none lost, none twice") {
  Chance chance;
  const auto fleet = Fleet::start({.units = 2});
  if (!fleet) {
    return;
  }
  const std::size_t wanted = is_long() ? 10'000 : 300;
  const auto limit = is_long() ? std::chrono::minutes(55) : std::chrono::minutes(4);
  Operator eva(fleet->url());
  Load load(*fleet, eva);
  Killer killer(*fleet, chance);
  const auto meanwhile = [&] {
    killer.maybe();
    if (load.given() < wanted) {
      load.give(std::min<std::size_t>(3, wanted - load.given()));
    }
  };
  const bool given = fleet->tend_until(
      [&] {
        meanwhile();
        eva.insist();
        return load.given() == wanted && killer.kills.edge >= 3 && killer.kills.station >= 2 &&
               killer.kills.broker >= 2;
      },
      limit);
  CHECK(given);
  CHECK_MESSAGE(load.finish(limit), load.stuck());
  load.check(Load::Interrupted::some);
  MESSAGE("killed: the units ",
          killer.kills.edge,
          " times, the station ",
          killer.kills.station,
          ", the broker ",
          killer.kills.broker);
}

}  // namespace steward::tests::random_kills_test
