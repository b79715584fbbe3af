#include "tests/support/demo.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace steward::tests::metrics_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;
using steward::tests::eventually;

TEST_CASE("stewardctl metrics, top: what units measure, and how it grows") {
  const auto demo = Demo::start({.units = 2});
  if (!demo) {
    return;
  }
  REQUIRE(demo->ctl({"call",
                     "demo1,demo2",
                     "metrics/system",
                     "--data",
                     R"({"op":"set","interval_ms":300})"})
              .status == 0);
  REQUIRE(eventually([&] {
    const Ended told = demo->ctl({"metrics", "--all", "load1", "-o", "json"});
    return told.status == 0 && json::parse(told.out).size() == 2;
  }));
  const Ended one = demo->ctl({"metrics", "demo1", "load1", "memory_MemTotal_bytes"});
  CHECK(one.status == 0);
  CHECK(one.out.find("node_load1 ") != std::string::npos);
  CHECK(one.out.find("node_memory_MemTotal_bytes ") != std::string::npos);
  CHECK(one.out.find("node_boot") == std::string::npos);

  const Ended rate =
      demo->ctl({"metrics", "demo1", R"(cpu_seconds_total{cpu="0"})", "--rate", "-o", "json"});
  REQUIRE(rate.status == 0);
  double cores = 0;
  const json grown = json::parse(rate.out).at(0);
  for (const auto& [key, value] : grown.at("counters").items()) {
    cores += value.get<double>();
  }
  CHECK(cores > 0.5);
  CHECK(cores < 1.5);

  const Ended top = demo->ctl({"top", "-o", "json"});
  REQUIRE(top.status == 0);
  const json rows = json::parse(top.out);
  REQUIRE(rows.size() == 2);
  CHECK(rows.at(0).at("cpu").is_number());
  CHECK(rows.at(0).at("memory").get<double>() > 0);
  const Ended table = demo->ctl({"top", "demo2"});
  CHECK(table.out.starts_with("UNIT"));
  CHECK(table.out.find("\ndemo2") != std::string::npos);
  CHECK(demo->ctl_on_terminal({"top"}, "demo2", "q").status == 0);
  CHECK(demo->ctl({"top", "--sort", "x"}).status == 2);
  CHECK(demo->ctl({"metrics", "demo1", "a b"}).status == 2);
}

}  // namespace steward::tests::metrics_test
