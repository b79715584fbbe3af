#include "tests/support/demo.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace steward::tests::alerts_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;
using steward::tests::eventually;

namespace {

json alerts_of(const Demo& demo, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words{"alerts", "ls", "-o", "json"};
  words.insert(words.end(), more.begin(), more.end());
  const Ended told = demo.ctl(words);
  return told.status == 0 ? json::parse(told.out) : json();
}

Ended call(const Demo& demo, const std::string& unit, const std::string& payload) {
  return demo.ctl({"call", unit, "metrics/system", "--data", payload});
}

}  // namespace

TEST_CASE("stewardctl alerts: what a unit's rule finds is listed, seen, silenced, and ends") {
  const auto demo = Demo::start({.units = 2, .is_signed = true});
  if (!demo) {
    return;
  }
  CHECK(alerts_of(*demo) == json::array());
  CHECK(demo->ctl({"alerts", "ack", "demo1"}).status == 3);
  // True at once, whatever the machine does.
  REQUIRE(call(*demo, "demo1,demo2", R"({"op":"set","interval_ms":200})").status == 0);
  REQUIRE(call(*demo,
               "demo1,demo2",
               R"({"op":"rules","set":[{"name":"busy","metric":"load1","above":-1}]})")
              .status == 0);
  REQUIRE(eventually([&] { return alerts_of(*demo).size() == 2; }));
  const json row = alerts_of(*demo, {"demo1"}).at(0);
  CHECK(row.at("unit") == "demo1");
  CHECK(row.at("rule") == "busy");
  CHECK(row.at("series") == "node_load1");
  CHECK(row.at("severity") == "warning");

  CHECK(demo->ctl({"alerts", "ack", "demo1", "--note", "known"}).status == 0);
  CHECK(alerts_of(*demo, {"demo1"}).at(0).at("note") == "known");
  CHECK_FALSE(alerts_of(*demo, {"demo2"}).at(0).contains("note"));

  const Ended silence = demo->ctl({"alerts", "silence", "demo2", "--rule", "bu*", "--for", "1h"});
  REQUIRE(silence.status == 0);
  CHECK(alerts_of(*demo, {"demo2"}).at(0).contains("silenced_until"));
  CHECK(demo->ctl({"alerts", "silence", "--list", "-o", "name"}).out == silence.out);
  const std::string id = silence.out.substr(0, silence.out.find('\n'));
  CHECK(demo->ctl({"alerts", "silence", "--end", id}).status == 0);
  CHECK_FALSE(alerts_of(*demo, {"demo2"}).at(0).contains("silenced_until"));
  CHECK(demo->ctl({"alerts", "silence", "--end", id}).status == 3);

  REQUIRE(call(*demo, "demo1", R"({"op":"rules","remove":["busy"]})").status == 0);
  CHECK(eventually([&] { return alerts_of(*demo).size() == 1; }));
  CHECK(demo->ctl({"alerts", "drop", "--all"}).status == 0);
  CHECK(alerts_of(*demo) == json::array());
  CHECK(demo->ctl({"alerts", "silence", "demo1", "--for", "0s"}).status == 2);
}

TEST_CASE("stewardctl group: units are meant by the name of their group") {
  const auto demo = Demo::start({.units = 3});
  if (!demo) {
    return;
  }
  CHECK(demo->ctl({"units", "@odd"}).status != 0);
  CHECK(demo->ctl({"group", "set", "odd", "demo1,demo3"}).status == 0);
  CHECK(demo->ctl({"group", "set", "@last", "@odd and not demo1"}).status == 0);
  CHECK(demo->ctl({"units", "@odd", "-o", "name"}).out == "demo1\ndemo3\n");
  CHECK(demo->ctl({"group", "ls", "-o", "name"}).out == "last\nodd\n");
  const Ended ran = demo->ctl({"run", "@last and state=up", "-o", "jsonl", "--", "true"});
  CHECK(ran.status == 0);
  CHECK(ran.out.find("\"demo3\"") != std::string::npos);
  CHECK(ran.out.find("\"demo1\"") == std::string::npos);
  CHECK(demo->ctl({"group", "rm", "last"}).status == 0);
  CHECK(demo->ctl({"group", "rm", "last"}).status == 3);
  CHECK(demo->ctl({"group", "set", "bad", "role="}).status == 2);
}

}  // namespace steward::tests::alerts_test
