#include "tests/integration/update/rig.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace steward::tests::retry_test {
namespace {

// stewardctl to its end: its exit code, and what it said.
std::pair<int, std::string> ctl(UpdateFleet& fleet, std::vector<std::string> words) {
  words.insert(words.begin(), {"--server", fleet.broker().url(), "--quiet"});
  const TemporaryFolder folder;
  Program program(folder.path(), std::move(words), "stewardctl");
  const int status = program.wait();
  auto said = program.output();
  while (!said.empty() && said.back() == '\n') {
    said.pop_back();
  }
  return {status, said};
}

}  // namespace

TEST_CASE("update: an apply that has failed is sent again as it was, and done once it can be") {
  const auto fleet = UpdateFleet::start("", {"ship1"});
  if (!fleet) {
    return;
  }
  auto& unit = fleet->unit("ship1");
  for (const std::string name : {"web", "db"}) {
    unit.repository("package main " + name + " 1.0");
  }
  unit.publish();
  REQUIRE(unit.apt("install web db") == 0);
  const auto ready = (unit.folder() / "ready").string();
  unit.repository("package main web 2.0");
  unit.repository("package main db 2.0");
  unit.publish();

  const auto [sent, job] = ctl(*fleet,
                               {"update",
                                "apply",
                                "ship1",
                                "--exclude",
                                "db",
                                "--pre",
                                "test -e " + ready,
                                "--no-wait",
                                "-o",
                                "name"});
  REQUIRE_MESSAGE(sent == 0, job);
  CHECK(ctl(*fleet, {"jobs", "wait", job}).first == 1);
  CHECK(unit.version("web") == "1.0");
  std::ofstream(ready).flush();
  const auto [again, said] = ctl(*fleet, {"jobs", "retry", job});
  CHECK_MESSAGE(again == 0, said);
  CHECK(unit.version("web") == "2.0");
  CHECK(unit.version("db") == "1.0");
  CHECK(unit.is_whole());
}

}  // namespace steward::tests::retry_test
