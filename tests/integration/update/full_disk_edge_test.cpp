#include "tests/integration/update/rig.hpp"
#include "tests/support/small_disk.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>

namespace steward::tests::full_disk_edge_test {

using namespace std::chrono_literals;

TEST_CASE("update: an agent whose own disk is full in an apply says its end once there is room") {
  const auto fleet = UpdateFleet::start("", {"ship1"});
  if (!fleet) {
    return;
  }
  auto& unit = fleet->unit("ship1");
  unit.kill9();
  const auto disk = SmallDisk::over(unit.folder() / "state", 48 << 20);
  if (!disk) {
    return;
  }
  unit.start();
  unit.repository("package main web 1.0");
  unit.publish();
  REQUIRE(unit.apt("install web") == 0);
  unit.repository("package main web 2.0", "PREINST='" + disk->fill() + "'");
  unit.publish();
  REQUIRE(eventually([&] { return fleet->is_up("ship1"); }, 60s));

  const auto id = fleet->send("ship1", R"({"op":"apply"})");
  REQUIRE_MESSAGE(eventually([&] { return unit.version("web") == "2.0"; }, 60s), unit.log());
  CHECK(eventually([&] { return unit.pids_of("dpkg").empty(); }, 60s));
  CHECK(disk->room() == 0);
  std::this_thread::sleep_for(3s);  // it may try what it likes
  SUBCASE("the agent stays") {}
  SUBCASE("the agent is killed") { unit.kill9(); }
  disk->free();
  if (!unit.runs()) {
    unit.start();
  }
  const bool ended = eventually([&] { return fleet->ends(id) > 0; }, 60s);
  REQUIRE_MESSAGE(ended, unit.log());
  CHECK(eventually([&] { return fleet->course(id).state == "done"; }, 30s));
  const auto next = fleet->send("ship1", R"({"op":"apply"})");
  CHECK(eventually([&] { return fleet->course(next).state == "done"; }, 60s));
  CHECK(fleet->ends(id) == 1);
}

}  // namespace steward::tests::full_disk_edge_test
