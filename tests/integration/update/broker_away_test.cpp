#include "tests/integration/update/rig.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

namespace steward::tests::broker_away_test {
namespace {

using namespace std::chrono_literals;

// A script of a package that says that it has begun, and goes on once it may.
std::string gate(const std::filesystem::path& folder) {
  const auto at = folder.string();
  return "touch " + at + "/begun; while [ ! -e " + at + "/may ]; do sleep 0.05; done";
}

}  // namespace

TEST_CASE("update: an apply ends without a broker, and its end is said once when it is back") {
  const auto fleet = UpdateFleet::start("", {"ship1"});
  if (!fleet) {
    return;
  }
  auto& unit = fleet->unit("ship1");
  unit.repository("package main web 1.0");
  unit.repository("package main db 1.0");
  unit.publish();
  REQUIRE(unit.apt("install web db") == 0);
  unit.repository("package main web 2.0", "PREINST='" + gate(unit.folder()) + "'");
  unit.repository("package main db 2.0", "POSTINST='sleep 0.3'");
  unit.publish();

  const auto id = fleet->send("ship1", R"({"op":"apply"})");
  REQUIRE(eventually([&] { return std::filesystem::exists(unit.folder() / "begun"); }, 60s));
  CHECK(eventually([&] { return fleet->course(id).state == "accepted"; }));
  fleet->broker().stop();
  std::ofstream(unit.folder() / "may").flush();
  const auto run = unit.folder() / "state/osupdate/system/run.json";
  REQUIRE_MESSAGE(eventually([&run] { return !std::filesystem::exists(run); }, 60s), unit.log());
  CHECK(unit.version("web") == "2.0");
  CHECK(unit.version("db") == "2.0");
  CHECK(unit.is_whole());
  CHECK(unit.pids_of("dpkg").empty());
  CHECK(unit.pids_of("steward-shim").empty());
  CHECK(fleet->ends(id) == 0);

  SUBCASE("the agent waits for it") {}
  SUBCASE("another agent has come meanwhile") {
    unit.kill9();
    unit.start();
  }
  fleet->broker().restart();
  // The unit may be back before this test's own ears are.
  REQUIRE_MESSAGE(eventually([&] { return fleet->course(id).state == "done"; }, 60s), unit.log());
  // The next one is served, and the first is not said again.
  const auto next = fleet->send("ship1", R"({"op":"apply"})");
  CHECK(eventually([&] { return fleet->course(next).state == "done"; }, 60s));
  CHECK(fleet->ends(id) <= 1);
  CHECK(fleet->ends(next) == 1);
}

}  // namespace steward::tests::broker_away_test
