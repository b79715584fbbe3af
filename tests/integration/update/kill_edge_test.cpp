#include "tests/integration/update/rig.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <thread>

namespace steward::tests::kill_edge_test {
namespace {

using namespace std::chrono_literals;

std::uint32_t chance_seed() {
  const char* given = std::getenv("STEWARD_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10))
                          : std::random_device()();
}

}  // namespace

// The agent as a process, with its ledger, outbox and shims: whenever it is killed, apt goes on,
// the next agent takes the run up, and its end is said once.
TEST_CASE("update: an agent that is killed at any moment of an apply says its end once") {
  const auto fleet = UpdateFleet::start("", {"ship1"});
  if (!fleet) {
    return;
  }
  const int rounds = std::getenv("STEWARD_LONG") != nullptr ? 200 : 12;
  const auto chance_of = chance_seed();
  INFO("STEWARD_SEED=" << chance_of);
  std::minstd_rand random(chance_of);
  auto& unit = fleet->unit("ship1");
  const auto make = [&unit](const std::string& version) {
    unit.repository("package main web " + version, "PREINST='sleep 0.2' POSTINST='sleep 0.3'");
    unit.repository("package main db " + version, "POSTINST='sleep 0.3'");
    unit.publish();
  };
  make("1.0");
  REQUIRE(unit.apt("install web db") == 0);
  int done = 0;
  int open = 0;
  for (int round = 2; round < rounds + 2; ++round) {
    const auto version = std::to_string(round) + ".0";
    make(version);
    const auto id = fleet->send("ship1", R"({"op":"apply"})");
    // Each second time surely before its end.
    const int latest = round % 2 == 0 ? 1'200 : 3'000;
    const auto pause = std::uniform_int_distribution<int>(0, latest)(random);
    INFO("round " << round << ", killed after " << pause << " ms");
    std::this_thread::sleep_for(std::chrono::milliseconds(pause));
    open += fleet->ends(id) == 0 ? 1 : 0;
    unit.kill9();
    // Some time without an agent: what was begun comes to its end, or does not.
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::uniform_int_distribution<int>(0, 1'500)(random)));
    unit.start();
    REQUIRE_MESSAGE(eventually([&] { return fleet->ends(id) > 0; }, 120s), unit.log());
    REQUIRE(eventually([&] {
      const auto state = fleet->course(id).state;
      return state == "done" || state == "failed";
    }));
    const auto course = fleet->course(id);
    done += course.state == "done" ? 1 : 0;
    CHECK(fleet->ends(id) == 1);
    CHECK(unit.is_whole());
    CHECK(eventually(
        [&unit] { return unit.pids_of("dpkg").empty() && unit.pids_of("apt-get").empty(); }));
    if (course.state != "done") {
      const auto next = fleet->send("ship1", R"({"op":"apply"})");
      CHECK(eventually([&] { return fleet->course(next).state == "done"; }, 120s));
    }
    CHECK(unit.version("web") == version);
    CHECK(unit.version("db") == version);
  }
  MESSAGE(rounds << " rounds, " << open << " killed before the end, " << done << " done");
  CHECK(open > 0);
}

}  // namespace steward::tests::kill_edge_test
