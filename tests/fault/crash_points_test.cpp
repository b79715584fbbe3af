#include "subjects/bus/crash_point.hpp"
#include "tests/fault/support/load.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <string_view>

namespace steward::tests::crash_points_test {
namespace {

using std::chrono::seconds;

constexpr seconds kReachLimit{40};
constexpr seconds kFinishLimit{90};

// Ends a program at each of its points in turn, while commands come, wait, run and are cancelled,
// and lets it start again.
class Rounds {
 public:
  explicit Rounds(Fleet& fleet) : fleet_(fleet), eva_(fleet.url()), load_(fleet, eva_) {}

  void end_at(std::string_view point, std::size_t pass) {
    CAPTURE(point);
    CAPTURE(pass);
    const bool of_edge = point.rfind("edge.", 0) == 0;
    Process& victim = of_edge ? fleet_.unit(0) : fleet_.station();
    const int before = victim.crashes();
    const Process::Environment order{
        {"STEWARD_CRASH", std::string(point) + ":" + std::to_string(pass)}};
    // What the unit misses the station has to send again.
    fleet_.take_down(fleet_.unit(0), SIGTERM);
    if (!of_edge) {
      fleet_.take_down(fleet_.station(), SIGTERM);
    }
    give_all_kinds();
    if (!of_edge) {
      fleet_.bring_up(fleet_.station(), order);
    }
    fleet_.bring_up(fleet_.unit(0), of_edge ? order : Process::Environment());
    give_all_kinds();
    const bool reached = fleet_.tend_until(
        [&] {
          eva_.insist();
          static_cast<void>(eva_.unit(Fleet::name_of(0)).has_value());
          give_more_if_late();
          return victim.crashes() > before;
        },
        kReachLimit);
    CHECK_MESSAGE(reached, "the point was never reached");
    CHECK_MESSAGE(load_.finish(kFinishLimit), load_.stuck());
  }

  void check() { load_.check(Load::Interrupted::some); }

 private:
  // One that is done, one that is cancelled in its queue or while it runs, one cancelled unseen.
  void give_all_kinds() {
    const auto shell = Fleet::name_of(0) + ".command.shellcommand.operatingsystem";
    load_.give(2);
    const auto sleeper = eva_.give({shell, R"({"argv":["sleep","30"]})"});
    load_.give(1);
    eva_.give({shell, R"({"op":"cancel","ref":")" + sleeper.str() + "\"}"});
    eva_.give({shell, R"({"op":"cancel","ref":")" + eva_.new_id().str() + "\"}"});
    given_ = std::chrono::steady_clock::now();
  }

  // A point that is passed now and then only.
  void give_more_if_late() {
    if (std::chrono::steady_clock::now() - given_ > seconds(4)) {
      give_all_kinds();
    }
  }

  Fleet& fleet_;
  Operator eva_;
  Load load_;
  std::chrono::steady_clock::time_point given_;
};

void end_at_all(std::string_view whose) {
#if defined(STEWARD_CRASH_POINTS)
  Chance chance;
  const auto fleet = Fleet::start();
  if (!fleet) {
    return;
  }
  Rounds rounds(*fleet);
  int points = 0;
  for (const auto point : bus::kCrashPoints) {
    // Those of rollouts have a test of their own, of a rollout.
    if (point.rfind(whose, 0) == 0 && point.rfind("station.rollout.", 0) != 0) {
      ++points;
      const bool passed_once = point == "station.lease.held";
      rounds.end_at(point, is_long() || passed_once ? 1 : 1 + chance.below(2));
      for (std::size_t pass = 2; is_long() && !passed_once && pass <= 5; ++pass) {
        rounds.end_at(point, pass);
      }
    }
  }
  CHECK(points > 0);
  rounds.check();
#else
  MESSAGE("SKIPPED: built without crash points: ", whose);
#endif
}

}  // namespace

TEST_CASE("fault: a unit that dies at any named point loses nothing and runs nothing twice") {
  end_at_all("edge.");
}

TEST_CASE("fault: a station that dies at any named point loses nothing and runs nothing twice") {
  end_at_all("station.");
}

}  // namespace steward::tests::crash_points_test
