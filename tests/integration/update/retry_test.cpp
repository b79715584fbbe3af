#include "tests/integration/update/rig.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

namespace steward::tests::retry_test {
namespace {

// How stewardctl has ended.
struct Said {
  int status = -1;
  std::string text;
};

Said ctl(UpdateFleet& fleet, std::vector<std::string> words) {
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

  const auto sent = ctl(*fleet,
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
  REQUIRE_MESSAGE(sent.status == 0, sent.text);
  CHECK(ctl(*fleet, {"jobs", "wait", sent.text}).status == 1);
  CHECK(unit.version("web") == "1.0");
  std::ofstream(ready).flush();
  const auto again = ctl(*fleet, {"jobs", "retry", sent.text});
  CHECK_MESSAGE(again.status == 0, again.text);
  CHECK(unit.version("web") == "2.0");
  CHECK(unit.version("db") == "1.0");
  CHECK(unit.is_whole());
}

}  // namespace steward::tests::retry_test
