#include "handlers/metrics/alarms.hpp"

#include "tests/handlers/metrics/room.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <string>

namespace steward::handlers::metrics::alarms_test {
namespace {

using nlohmann::json;

constexpr const char* kLoud = "0.10 0.10 0.10 1/2 3\n";
constexpr const char* kQuiet = "0.01 0.10 0.10 1/2 3\n";
constexpr const char* kRule =
    "interval_ms = 100\n[[rules]]\nname = 'load'\nmetric = 'load1'\nabove = 0.05\n"
    "severity = 'critical'\n";

json event(const Room& room, std::size_t number) {
  REQUIRE(room.listener.alerts.size() > number);
  return json::parse(room.listener.alerts[number]);
}

void run_until_alerts(Room& room, std::size_t count) {
  room.listener.stop_after_alerts = count;
  if (room.listener.alerts.size() < count) {
    room.loop.run();
  }
}

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("alerts: a rule of the configuration begins and ends alerts, at once, also offline") {
  const Folder folder;
  Room room(kRule, folder.path / "state");
  room.listener.up = false;
  room.machine.folder.write("proc/loadavg", kLoud);
  CHECK(event(room, 0) == json({{"state", "all"}, {"alerts", json::array()}}));
  run_until_alerts(room, 2);
  const auto begun = event(room, 1);
  CHECK(begun.at("state") == "firing");
  CHECK(begun.at("rule") == "load");
  CHECK(begun.at("series") == "node_load1");
  CHECK(begun.at("severity") == "critical");
  CHECK(begun.at("value") == 0.1);
  room.machine.folder.write("proc/loadavg", kQuiet);
  run_until_alerts(room, 3);
  CHECK(event(room, 2).at("state") == "resolved");
  CHECK(event(room, 2).at("since") == begun.at("since"));
  CHECK(room.listener.said.empty());
}

TEST_CASE("alerts: without rules nothing is said") {
  Room room;
  room.run_until(3);
  CHECK(room.listener.alerts.empty());
}

TEST_CASE("alerts: what is open is told at the next start, and ends where it has ended meanwhile") {
  const Folder folder;
  {
    Room room(kRule, folder.path / "state");
    room.machine.folder.write("proc/loadavg", kLoud);
    run_until_alerts(room, 2);
  }
  Room room(kRule, folder.path / "state");
  CHECK(event(room, 0).at("alerts").size() == 1);
  room.machine.folder.write("proc/loadavg", kQuiet);
  run_until_alerts(room, 2);
  CHECK(event(room, 1).at("state") == "resolved");
}

TEST_CASE(
    "alerts: rules by command count at once and after a restart; one that goes ends its own") {
  const Folder folder;
  {
    Room room("interval_ms = 100", folder.path / "state");
    room.machine.folder.write("proc/loadavg", kLoud);
    const auto set =
        room.ask(R"({"op":"rules","set":[{"name":"load","metric":"node_load1","above":0.05}]})");
    CHECK(set.state == wire::CommandState::done);
    CHECK(json::parse(set.result).at("rules").at(0).at("name") == "load");
    run_until_alerts(room, 1);
    CHECK(json::parse(room.ask(R"({"op":"rules"})").result).at("alerts").size() == 1);
  }
  Room room("interval_ms = 100", folder.path / "state");
  CHECK(event(room, 0).at("alerts").size() == 1);
  CHECK(room.ask(R"({"op":"rules","remove":["nonesuch"]})").state == wire::CommandState::failed);
  const auto gone = room.ask(R"({"op":"rules","remove":["load"]})");
  CHECK(json::parse(gone.result).at("rules").empty());
  CHECK(event(room, 1).at("state") == "resolved");
  CHECK(event(room, 1).at("reason") == "the rule was taken away");
}

TEST_CASE("alerts: a rule's program runs as its alert begins and as it ends, in that order") {
  const Folder folder;
  folder.write("said", "");
  const std::string script =
      "echo $STEWARD_ALERT $STEWARD_RULE $STEWARD_VALUE >> " + (folder.path / "said").string();
  Room room(std::string(kRule) + "run = ['/bin/sh', '-c', '" + script + "']\n",
            folder.path / "state");
  room.machine.folder.write("proc/loadavg", kLoud);
  run_until_alerts(room, 2);
  room.machine.folder.write("proc/loadavg", kQuiet);
  run_until_alerts(room, 3);
  const std::string wanted = "firing load 0.1\nresolved load 0.01\n";
  runtime::Timer look(room.loop, [&] {
    if (content(folder.path / "said") == wanted) {
      room.loop.stop();
    }
  });
  look.start_every(std::chrono::milliseconds(20));
  room.loop.run();
  CHECK(content(folder.path / "said") == wanted);
}

TEST_CASE("alerts: a rule of the configuration that cannot be read is said with its place") {
  auto options = *runtime::Options::parse("[[rules]]\nname = 'a'\nmetric = 'x'\n", "t.toml");
  const RuleBook book(options);
  CHECK(book.rules().empty());
  const auto problems = options.problems();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].find("exactly one of above and below") != std::string::npos);
}

}  // namespace steward::handlers::metrics::alarms_test
