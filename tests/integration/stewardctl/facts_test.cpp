#include "tests/support/demo.hpp"
#include "tests/support/process.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <chrono>
#include <string>

namespace steward::tests::facts_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;
using steward::tests::eventually;

namespace {

json facts_of(const Demo& demo, const std::string& target) {
  const Ended told = demo.ctl({"facts", target, "-o", "json"});
  return told.status == 0 ? json::parse(told.out) : json::array();
}

bool all_told(const Demo& demo, std::size_t units) {
  return eventually([&] {
    const Ended told = demo.ctl({"facts", "--all", "-o", "json"});
    return told.status == 0 && json::parse(told.out).size() == units;
  });
}

}  // namespace

TEST_CASE("stewardctl facts: what units are is known, also of one that is away") {
  const auto demo = Demo::start({.units = 2});
  if (!demo) {
    return;
  }
  REQUIRE(all_told(*demo, 2));
  const json rows = facts_of(*demo, "demo1");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("unit") == "demo1");
  CHECK(rows[0].at("facts").at("os").is_string());
  CHECK(rows[0].at("facts").at("mem_mb").get<int>() > 100);
  const Ended one = demo->ctl({"facts", "--all", "os.version"});
  CHECK(one.status == 0);
  CHECK(one.out.starts_with("UNIT   FACT        VALUE\ndemo1  os.version  "));
  tests::send_signal(demo->unit("demo2"), SIGKILL);
  CHECK(eventually([&] {
    return demo->ctl({"units", "--state", "down", "-o", "name"}).out == "demo2\n";
  }));
  CHECK(facts_of(*demo, "demo2").size() == 1);
  CHECK(demo->ctl({"facts", "demo1", "a b"}).status == 2);
  CHECK(demo->ctl({"facts", "nobody"}).status == 3);
}

TEST_CASE("stewardctl label: labels are set, shown, selected by, and taken away") {
  const auto demo = Demo::start({.units = 3, .is_signed = true});
  if (!demo) {
    return;
  }
  REQUIRE(all_told(*demo, 3));
  CHECK(demo->ctl({"label", "demo1,demo2", "site=oslo", "tier=2"}).status == 0);
  CHECK(demo->ctl({"label", "demo3", "site=bergen"}).status == 0);
  CHECK(eventually([&] {
    return demo->ctl({"units", "site=oslo and state=up", "-o", "name"}).out == "demo1\ndemo2\n" &&
           demo->ctl({"units", "site=bergen", "-o", "name"}).out == "demo3\n";
  }));
  const Ended differs = demo->ctl({"facts", "demo1", "labels", "--diff", "demo3"});
  CHECK(differs.out ==
        "UNIT   FACT         VALUE  ON demo3\n"
        "demo1  labels.site  oslo   bergen\n"
        "demo1  labels.tier  2      -\n");
  CHECK(demo->ctl({"label", "site=oslo", "tier-"}).status == 0);
  CHECK(eventually([&] { return demo->ctl({"units", "tier=*", "-o", "name"}).out.empty(); }));
  CHECK(demo->ctl({"label", "demo1", "Bad=1"}).status == 2);
  CHECK(demo->ctl({"label", "demo1"}).status == 2);
}

TEST_CASE("stewardctl run: units are meant by what they are, and nobody else gets the command") {
  const auto demo = Demo::start({.units = 3, .is_signed = true});
  if (!demo) {
    return;
  }
  REQUIRE(all_told(*demo, 3));
  CHECK(demo->ctl({"label", "demo2,demo3", "role=db"}).status == 0);
  CHECK(eventually([&] {
    return demo->ctl({"units", "role=db", "-o", "name"}).out == "demo2\ndemo3\n";
  }));
  const Ended ran =
      demo->ctl({"run", "role=db and os=* and not demo3", "-o", "jsonl", "--", "true"});
  CHECK(ran.status == 0);
  CHECK(ran.out.find("\"demo2\"") != std::string::npos);
  CHECK(ran.out.find("\"demo3\"") == std::string::npos);
  CHECK(ran.out.find("\"demo1\"") == std::string::npos);
  const Ended none = demo->ctl({"run", "role=web", "--", "true"});
  CHECK(none.status == 3);
  CHECK(none.err.find("no unit is such that 'role=web'") != std::string::npos);
  const Ended wrong = demo->ctl({"run", "role=", "--", "true"});
  CHECK(wrong.status == 2);
  CHECK(wrong.err.find("a value is missing") != std::string::npos);
}

}  // namespace steward::tests::facts_test
