#include "tests/support/demo.hpp"
#include "tests/support/process.hpp"
#include "tests/support/wait.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <chrono>
#include <set>
#include <sstream>
#include <string>
#include <thread>

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

TEST_CASE("stewardctl metrics -w: the numbers of units again and again, to Ctrl-C") {
  const auto demo = Demo::start({.units = 1});
  if (!demo) {
    return;
  }
  REQUIRE(
      demo->ctl({"call", "demo1", "metrics/system", "--data", R"({"op":"set","interval_ms":200})"})
          .status == 0);
  REQUIRE(eventually([&] {
    return json::parse(demo->ctl({"metrics", "demo1", "time_seconds", "-o", "json"}).out).size() ==
           1;
  }));
  SUBCASE("as lines for a program, each with its own time") {
    const Ended ended = demo->ctl_while(
        {"metrics", "demo1", "time_seconds", "--watch=300ms", "-o", "jsonl"}, [](pid_t pid) {
          std::this_thread::sleep_for(std::chrono::seconds(3));
          tests::send_signal(pid, SIGINT);
        });
    CHECK_MESSAGE(ended.status == 0, ended.err);
    std::set<std::string> times;
    std::istringstream lines(ended.out);
    for (std::string line; std::getline(lines, line);) {
      times.insert(json::parse(line).at("gauges").dump());
    }
    CHECK_MESSAGE(times.size() >= 3, ended.out);
  }
  SUBCASE("on a screen of its own, and the last of them stay") {
    const Ended ended =
        demo->ctl_on_terminal({"metrics", "demo1", "load1", "-w"}, "Ctrl-C ends", "\x03");
    CHECK(ended.status == 0);
    const auto gone = ended.out.rfind("\x1b[?1049l");
    REQUIRE(gone != std::string::npos);
    CHECK_MESSAGE(ended.out.substr(gone).find("node_load1") != std::string::npos, ended.out);
  }
  SUBCASE("not more often than ten times a second") {
    CHECK(demo->ctl({"metrics", "demo1", "--watch=10ms"}).status == 2);
  }
}

}  // namespace steward::tests::metrics_test
