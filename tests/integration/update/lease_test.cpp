#include "tests/integration/update/rig.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

namespace steward::tests::lease_test {
namespace {

using namespace std::chrono_literals;
using Leases = std::map<std::string, std::string>;

constexpr const char* kReboot = R"({"op":"reboot","reboot":{"delay_ms":0,"lease":true}})";

std::set<std::string> to_reboot(UpdateFleet& fleet) {
  std::set<std::string> names;
  for (const auto& [name, unit] : fleet.units()) {
    if (unit->is_to_reboot()) {
      names.insert(name);
    }
  }
  return names;
}

// Who is told to reboot first.
std::string first_to_reboot(UpdateFleet& fleet) {
  REQUIRE(eventually([&] { return !to_reboot(fleet).empty(); }, 60s));
  return *to_reboot(fleet).begin();
}

bool is_held(const Leases& leases, const std::string& unit) {
  const auto at = leases.find(unit);
  return at != leases.end() && at->second == "held";
}

}  // namespace

TEST_CASE("reboot lease: of three units never two reboot at once, though the station is killed") {
  const auto fleet = UpdateFleet::start("[updates]\n", {"ship1", "ship2", "ship3"});
  if (!fleet) {
    return;
  }
  std::map<std::string, wire::MessageId> runs;
  for (const auto& [name, unit] : fleet->units()) {
    runs.emplace(name, fleet->send(name, kReboot));
  }
  for (int turn = 0; turn < 3; ++turn) {
    const auto name = first_to_reboot(*fleet);
    INFO(name);
    CHECK(is_held(fleet->leases(), name));
    if (turn == 0) {
      fleet->unit(name).kill9();
      fleet->restart_station();
      CHECK(is_held(fleet->leases(), name));
      // It acts, and knows by their hellos that the others are there.
      std::this_thread::sleep_for(5s);
      CHECK(is_held(fleet->leases(), name));
    } else {
      std::this_thread::sleep_for(1s);
    }
    CHECK(to_reboot(*fleet) == std::set<std::string>{name});
    fleet->unit(name).reboot();
    REQUIRE(eventually([&] { return fleet->course(runs.at(name)).state == "done"; }, 60s));
  }
  CHECK(eventually([&] { return fleet->leases().empty(); }));
  for (const auto& [name, run] : runs) {
    CHECK(fleet->ends(run) == 1);
  }
}

TEST_CASE("reboot lease: of two at once, the third one waits; a cancel takes it out") {
  const auto fleet =
      UpdateFleet::start("[updates]\nreboots_at_once = 2\n", {"ship1", "ship2", "ship3"});
  if (!fleet) {
    return;
  }
  std::map<std::string, wire::MessageId> runs;
  for (const auto& [name, unit] : fleet->units()) {
    runs.emplace(name, fleet->send(name, kReboot));
  }
  REQUIRE(eventually([&] { return to_reboot(*fleet).size() == 2; }, 60s));
  std::this_thread::sleep_for(2s);
  const auto two = to_reboot(*fleet);
  REQUIRE(two.size() == 2);
  const auto waiting = std::find_if(
      runs.begin(), runs.end(), [&two](const auto& run) { return !two.contains(run.first); });
  CHECK(fleet->leases()[waiting->first] == "waiting");
  fleet->send(waiting->first, R"({"op":"cancel","ref":")" + waiting->second.str() + "\"}");
  CHECK(eventually([&] { return fleet->course(waiting->second).state == "cancelled"; }));
  CHECK(eventually([&] { return !fleet->leases().contains(waiting->first); }));
  CHECK(to_reboot(*fleet) == two);
}

TEST_CASE(
    "reboot lease: a holder that is gone is overdue when its time is over, and the next goes") {
  const auto fleet = UpdateFleet::start("[updates]\nreboot_ttl_s = 8\n", {"ship1", "ship2"});
  if (!fleet) {
    return;
  }
  const auto run1 = fleet->send("ship1", kReboot);
  REQUIRE(eventually([&] { return fleet->unit("ship1").is_to_reboot(); }, 60s));
  const auto granted = std::chrono::steady_clock::now();
  fleet->unit("ship1").kill9();
  const auto run2 = fleet->send("ship2", kReboot);
  REQUIRE(eventually([&] { return fleet->leases()["ship2"] == "waiting"; }));
  REQUIRE(eventually([&] { return fleet->unit("ship2").is_to_reboot(); }, 30s));
  const auto took = std::chrono::steady_clock::now() - granted;
  CHECK(took > 6s);
  CHECK(took < 14s);
  CHECK(fleet->leases() == Leases{{"ship1", "overdue"}, {"ship2", "held"}});
  const auto alerts = fleet->asker().ask("alerts");
  REQUIRE(alerts.size() == 1);
  CHECK(alerts[0].find("reboot_overdue") != std::string::npos);
  fleet->unit("ship2").reboot();
  REQUIRE(eventually([&] { return fleet->course(run2).state == "done"; }, 60s));
  // It comes back after all.
  fleet->unit("ship1").reboot();
  REQUIRE(eventually([&] { return fleet->course(run1).state == "done"; }, 60s));
  CHECK(eventually([&] { return fleet->leases().empty(); }));
  CHECK(eventually([&] { return fleet->asker().ask("alerts").empty(); }));
}

}  // namespace steward::tests::lease_test
