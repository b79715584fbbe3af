#include "tests/handlers/osupdate/rig.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

namespace steward::handlers::osupdate::kill_test {
namespace {

using namespace std::chrono_literals;
using wire::CommandState;

std::uint32_t seed() {
  const char* given = std::getenv("STEWARD_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10))
                          : std::random_device()();
}

// Whatever is killed: the run has an end, the system is whole, the lock is free, and the next run
// finds nothing that would stop it.
TEST_CASE("osupdate: killed at any moment, a run ends, and the system is whole") {
  const int rounds = std::getenv("STEWARD_LONG") != nullptr ? 200 : 20;
  const auto chance_of = seed();
  INFO("STEWARD_SEED=" << chance_of);
  std::minstd_rand random(chance_of);
  const auto below = [&random](int bound) {
    return std::uniform_int_distribution<int>(0, bound - 1)(random);
  };
  Rig rig;
  rig.make({"web", "1.0"});
  rig.make({"db", "1.0"});
  rig.publish();
  REQUIRE(rig.apt("install web db") == 0);
  int hit = 0;
  int done = 0;
  int repaired = 0;
  for (int round = 2; round < rounds + 2; ++round) {
    const auto version = std::to_string(round) + ".0";
    rig.make({"web", version, "main", "", "sleep 0.3", "sleep 0.2"});
    rig.make({"db", version, "main", "", "sleep 0.3"});
    rig.publish();
    const auto id = rig.send(R"({"op":"apply"})");
    const int victim = below(5);
    INFO("round " << round << " victim " << victim);
    const auto is_meant = [victim](int number) { return victim == number || victim == 4; };
    const std::map<int, std::string> programs{{1, "apt-get"}, {2, "dpkg"}, {3, "steward-shim"}};
    // Not before there is something to kill.
    const auto moment = std::chrono::steady_clock::now() + std::chrono::milliseconds(below(1'500));
    rig.until([&] {
      const bool there = victim == 0 || (victim == 4 && !rig.pids_of("dpkg").empty()) ||
                         (victim < 4 && !rig.pids_of(programs.at(victim)).empty());
      return rig.heard.ends.contains(id) || (there && std::chrono::steady_clock::now() >= moment);
    });
    const bool open = !rig.heard.ends.contains(id);
    int killed = 0;
    for (const auto& [number, program] : programs) {
      killed += is_meant(number) ? rig.kill_all(program) : 0;  // 4: all, as by a power cut
    }
    if (victim == 4) {
      rig.kill_all("web.postinst");
      rig.kill_all("web.preinst");
      rig.kill_all("db.postinst");
    }
    if (victim == 0 || victim == 4) {
      rig.crash();
      ++killed;
    }
    hit += open && killed > 0 ? 1 : 0;
    const auto ack = rig.end_of(id);
    done += ack.state == CommandState::done ? 1 : 0;
    CHECK_MESSAGE((ack.state == CommandState::done || ack.state == CommandState::failed),
                  ack.message);
    repaired += rig.outcome(ack).repaired ? 1 : 0;
    const auto outcome = rig.outcome(ack);
    CHECK_MESSAGE(!outcome.needs_help,
                  std::string(ack.message + "\n" + outcome.log + rig.file("var/lib/dpkg/status")));
    CHECK(rig.is_whole());
    CHECK(rig.until([&rig] { return rig.pids_of("dpkg").empty(); }));
    if (ack.state == CommandState::failed) {
      const auto next = rig.ask(R"({"op":"apply"})");
      CHECK_MESSAGE(next.state == CommandState::done, next.message);
    }
    CHECK(rig.version("web") == version);
    CHECK(rig.version("db") == version);
  }
  MESSAGE(rounds << " rounds, " << hit << " hit, " << done << " done, " << repaired << " repaired");
  CHECK(hit > rounds / 4);
}

}  // namespace
}  // namespace steward::handlers::osupdate::kill_test
