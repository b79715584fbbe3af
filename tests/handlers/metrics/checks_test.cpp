#include "handlers/metrics/checks.hpp"

#include "tests/handlers/metrics/room.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <string>

namespace steward::handlers::metrics::checks_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string program(const Folder& folder, const std::string& name, const std::string& script) {
  folder.write(name, "#!/bin/sh\n" + script);
  fs::permissions(folder.path / name, fs::perms::owner_all);
  return folder.path / name;
}

std::string table(const std::string& name, const std::string& path, const std::string& more = "") {
  return "[[checks]]\nname = '" + name + "'\nargv = ['" + path + "']\ninterval_ms = 100\n" + more +
         "\n";
}

// Rounds until it is so; the watchdog ends a test where it never is.
json values_when(Room& room, const std::function<bool(const json&)>& enough) {
  for (;;) {
    room.run_until(room.listener.said.size() + 1);
    const auto answer = json::parse(room.ask(R"({"op":"collect","values":true})").result);
    const json values = answer.at("values");
    if (enough(values)) {
      return values;
    }
  }
}

json check_row(Room& room, const std::string& name) {
  const auto status = json::parse(room.ask(R"({"op":"status"})").result);
  for (const auto& row : status.at("checks")) {
    if (row.at("name") == name) {
      return row;
    }
  }
  return {};
}

std::string of(const std::string& metric, const std::string& name) {
  return "steward_check_" + metric + "{check=\"" + name + "\"}";
}

}  // namespace

TEST_CASE("checks: in all three forms their figures stand among the unit's metrics") {
  const Folder folder;
  Room room(
      "interval_ms = 100\n" +
      table(
          "disk",
          program(folder, "disk", "echo \"DISK WARNING - $STEWARD_CHECK | /=90%;80\"\nexit 1\n")) +
      table("pumps", program(folder, "pumps", "echo '{\"speed\": 2.5}'\n"), "output = 'json'") +
      table("prom",
            program(folder, "prom", "printf '# TYPE x_total counter\\nx_total 7'\n"),
            "output = 'openmetrics'"));
  const auto values = values_when(room, [](const json& all) {
    return all.contains("speed{check=\"pumps\"}") && all.contains("x_total") &&
           all.contains(of("status", "disk"));
  });
  CHECK(values.at(of("status", "disk")) == 1);
  CHECK(values.at(of("status", "pumps")) == 0);
  CHECK(values.at(R"(steward_check_perfdata_percent{check="disk",label="/"})") == 90);
  CHECK(values.at("speed{check=\"pumps\"}") == 2.5);
  CHECK(values.at("x_total") == 7);
  CHECK(check_row(room, "disk").at("message") == "DISK WARNING - disk");
}

TEST_CASE(
    "checks: one that hangs delays no round and no other check, and is ended with its children") {
  const Folder folder;
  const std::string alive = folder.path / "alive";
  Room room("interval_ms = 100\n" +
            table("hangs",
                  program(folder, "hangs", "(sleep 1; touch " + alive + ") &\nsleep 60\n"),
                  "timeout_ms = 400") +
            table("well", program(folder, "well", "echo OK\n")));
  values_when(room, [](const json& all) { return all.value(of("status", "well"), 3) == 0; });
  CHECK(check_row(room, "hangs").at("runs") == 0);  // it still runs, and rounds go on
  const auto values =
      values_when(room, [](const json& all) { return all.contains(of("status", "hangs")); });
  CHECK(values.at(of("status", "hangs")) == 3);
  CHECK(check_row(room, "hangs").at("error").get<std::string>().find("in time") !=
        std::string::npos);
  CHECK(check_row(room, "hangs").at("skipped").get<int>() > 0);
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(1'200)) {
    room.run_until(room.listener.said.size() + 1);
  }
  CHECK(!fs::exists(alive));
}

TEST_CASE("checks: one that fails has no values left, and its series keep their places") {
  const Folder folder;
  const std::string broken = folder.path / "broken";
  Room room(
      "interval_ms = 100\n" +
      table("pumps",
            program(folder, "pumps", "echo '{\"speed\": 2}'\ntest ! -e " + broken + " || exit 4\n"),
            "output = 'json'"));
  values_when(room, [](const json& all) { return all.contains("speed{check=\"pumps\"}"); });
  std::size_t schemas = 0;
  const auto count = [&room] {
    std::size_t found = 0;
    for (const auto& one : room.listener.said) {
      found += wire::is_metric_round(one) ? 0 : 1;
    }
    return found;
  };
  schemas = count();
  folder.write("broken", "");
  values_when(room, [](const json& all) { return all.value(of("status", "pumps"), 0) == 3; });
  fs::remove(broken);
  values_when(room, [](const json& all) { return all.contains("speed{check=\"pumps\"}"); });
  CHECK(count() == schemas);
}

TEST_CASE("checks: a program that others can write is not run") {
  const Folder folder;
  const auto path = program(folder, "loose", "touch " + (folder.path / "ran").string() + "\n");
  fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
  Room room("interval_ms = 100\n" + table("loose", path));
  values_when(room, [](const json& all) { return all.contains(of("status", "loose")); });
  CHECK(!fs::exists(folder.path / "ran"));
  CHECK(check_row(room, "loose").at("error").get<std::string>().find("others can write") !=
        std::string::npos);
}

TEST_CASE("checks: what is wrong in the configuration is said") {
  const std::string good = R"("name":"a","argv":["/bin/true"])";
  CHECK(decode_check("{" + good + "}"));
  for (const std::string wrong : {R"("name":"a")",
                                  R"("name":"a","argv":["true"])",
                                  R"("name":"a b","argv":["/bin/true"])",
                                  R"("name":"a","argv":["/bin/true"],"output":"xml")",
                                  R"("name":"a","argv":["/bin/true"],"interval_ms":1)",
                                  R"("name":"a","argv":["/bin/true"],"intervall_ms":1000)"}) {
    INFO(wrong);
    CHECK(!decode_check("{" + wrong + "}"));
  }
}

}  // namespace steward::handlers::metrics::checks_test
