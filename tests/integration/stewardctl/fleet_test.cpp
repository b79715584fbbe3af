#include "tests/support/demo.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace steward::tests::fleet_test {

using nlohmann::json;
using steward::tests::Demo;
using steward::tests::Ended;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string state_of(const Demo& demo, const std::string& unit) {
  for (const json& row : json::parse(demo.ctl({"units", "-o", "json"}).out)) {
    if (row.at("unit") == unit) {
      return row.at("state");
    }
  }
  return {};
}

// The time until the unit is in that state, or the limit.
std::chrono::milliseconds time_to(const Demo& demo,
                                  const std::string& unit,
                                  const std::string& state) {
  const auto begun = std::chrono::steady_clock::now();
  auto passed = std::chrono::milliseconds(0);
  while (state_of(demo, unit) != state && passed < std::chrono::seconds(20)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    passed = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begun);
  }
  return passed;
}

}  // namespace

TEST_CASE(
    "stewardctl units: the demo is found without a flag, its table has the shape programs rely "
    "on") {
  const auto demo = Demo::start();
  if (!demo) {
    return;
  }
  const Ended ended = demo->ctl({"units", "-o", "json"});
  REQUIRE(ended.status == 0);
  const json rows = json::parse(ended.out);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].at("unit") == "demo1");
  for (const json& row : rows) {
    CHECK(row.at("state") == "up");
    CHECK(row.at("since").is_string());
    CHECK(row.at("last_seen").is_string());
    CHECK(row.at("source").is_string());
    CHECK(row.at("agent_version").is_string());
    CHECK(row.contains("rtt_us"));
    CHECK(row.at("commands").at("open").is_number_integer());
    CHECK(row.at("commands").contains("done"));
    CHECK(row.at("commands").contains("failed"));
    bool shell = false;
    for (const json& handler : row.at("handlers")) {
      CHECK(handler.contains("state"));
      CHECK(handler.contains("restarts"));
      shell = shell ||
              (handler.at("method") == "shellcommand" && handler.at("domain") == "operatingsystem");
    }
    CHECK(shell);
  }
  const Ended table = demo->ctl({"ls"});
  CHECK(has(table.out, "● up   demo1"));
  CHECK(!has(table.out, "\x1b"));
  CHECK(has(table.err, "3 units: 3 up"));
  CHECK(demo->ctl({"units", "demo[2-3]", "-o", "name"}).out == "demo2\ndemo3\n");

  const Ended shown = demo->ctl({"show", "demo1"});
  CHECK(shown.status == 0);
  CHECK(has(shown.out, "shellcommand"));
  CHECK(json::parse(demo->ctl({"show", "demo1", "-o", "json"}).out).at("unit") == "demo1");

  const Ended ping = demo->ctl({"ping"});
  CHECK(ping.status == 0);
  CHECK(has(ping.out, "3 of 3 answers"));

  const Ended doctor = demo->ctl({"bus", "doctor", "-o", "json"});
  CAPTURE(doctor.out);
  CHECK(doctor.status == 0);
  for (const json& finding : json::parse(doctor.out)) {
    CHECK(finding.at("result") == "ok");
  }

  const Ended words = demo->ctl({"__complete", "--", "run", "demo1,d"});
  CHECK(words.out == "demo1,demo1\ndemo1,demo2\ndemo1,demo3\n");
}

TEST_CASE("stewardctl units: an agent killed with -9 is late, then down, and the record says so") {
  const auto demo = Demo::start();
  if (!demo) {
    return;
  }
  tests::send_signal(demo->unit("demo3"), SIGKILL);
  CHECK(time_to(*demo, "demo3", "down") < std::chrono::seconds(15));
  CHECK(state_of(*demo, "demo1") == "up");
  const Ended events = demo->ctl({"events", "demo3"});
  CHECK(events.status == 0);
  CHECK(has(events.out, "late"));
  CHECK(has(events.out, "down"));
  CHECK(!has(events.out, "demo1"));
}

TEST_CASE("stewardctl bus: a bare message, as any NATS client sends it, runs a command") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  const auto mark = demo->folder() / "bare";
  const Ended heard =
      demo->ctl_while({"events", "-f", "demo1.event.ack.>", "-o", "jsonl"}, [&](pid_t pid) {
        std::this_thread::sleep_for(std::chrono::seconds(1));
        // In this test's own files: ctl() uses the same ones as ctl_while().
        const std::string command =
            std::string(STEWARD_BIN_DIR) + "/stewardctl bus pub --server " + demo->broker() +
            " demo1.command.shellcommand.operatingsystem '{\"argv\":[\"touch\",\"" + mark.string() +
            "\"]}' 2> /dev/null";
        CHECK(std::system(command.c_str()) == 0);
        for (int i = 0; i < 200 && !std::filesystem::exists(mark); ++i) {
          std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        tests::send_signal(pid, SIGINT);
      });
  CHECK(std::filesystem::exists(mark));
  CHECK(heard.status == 0);
  CHECK(has(heard.out, R"("state":"accepted")"));
  CHECK(has(heard.out, R"("state":"done")"));
}

TEST_CASE(
    "stewardctl context: a saved connection is used, shown without its secrets, and removed") {
  const auto demo = Demo::start({1, std::chrono::milliseconds(500)});
  if (!demo) {
    return;
  }
  CHECK(demo->ctl({"context",
                   "add",
                   "home",
                   "--server",
                   demo->broker(),
                   "--password-file",
                   "-",
                   "--user",
                   "a",
                   "--use"},
                  "hidden\n")
            .status == 0);
  CHECK(demo->ctl({"units", "-o", "name"}).out == "demo1\n");
  const Ended shown = demo->ctl({"context", "show"});
  CHECK(has(shown.out, "context 'home'"));
  CHECK(!has(shown.out, "hidden"));
  CHECK(has(demo->ctl({"context"}).out, "*  home  " + demo->broker()));
  CHECK(demo->ctl({"context", "rm", "home"}).status == 0);
  CHECK(demo->ctl({"context", "use", "home"}).status == 2);
  CHECK(has(demo->ctl({"context", "show"}).out, "the running demo"));
}

}  // namespace steward::tests::fleet_test
