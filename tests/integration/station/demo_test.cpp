#include "steward/broker.hpp"
#include "tests/integration/station/program.hpp"
#include "tests/integration/station/rig.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace steward::tests::demo_test {
namespace {

// Processes whose command line holds that text.
std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && text_of(entry.path() / "cmdline").find(text) != std::string::npos) {
      found.push_back(pid);
    }
  }
  return found;
}

bool runnable() {
  const std::string bin = STEWARD_BIN_DIR;
  const bool programs = ::access((bin + "/steward-edge").c_str(), X_OK) == 0;
  const bool broker =
      station::find_nats_server(station::nats_server_folders(std::getenv("PATH"))).has_value();
  if (programs && broker) {
    return true;
  }
  if (std::getenv("CI") != nullptr) {
    FAIL("steward-edge or nats-server is missing");
  }
  MESSAGE("SKIPPED: steward-edge or nats-server is missing");
  return false;
}

std::vector<std::string> demo_arguments(const TemporaryFolder& folder, const std::string& units) {
  return {"demo",
          "--unsigned",
          "--units",
          units,
          "--interval",
          "500",
          "--dir",
          (folder.path() / "demo").string()};
}

TEST_CASE("demo: it comes up, tells of itself, and its end leaves nothing behind") {
  if (!runnable()) {
    return;
  }
  const TemporaryFolder folder;
  const auto current = folder.path() / "steward/current.json";
  Program demo(folder.path(), demo_arguments(folder, "2"));
  REQUIRE(eventually([&] { return demo.output().find("Add a unit") != std::string::npos; },
                     std::chrono::seconds(30)));
  CHECK(demo.output().find("2 demo units") != std::string::npos);
  CHECK(demo.output().find("nats-server 2.") != std::string::npos);
  const auto told = nlohmann::json::parse(text_of(current));
  CHECK(told["station"] == "station");
  CHECK(told["units"] == nlohmann::json({"demo1", "demo2"}));
  CHECK(told["pid"] == demo.pid());

  Asker asker(told["broker"]);
  CHECK(eventually([&] { return asker.ask("units", R"({"states":["up"]})").size() == 2; }));

  Program second(folder.path(), demo_arguments(folder, "1"));
  CHECK(second.wait() == 2);
  CHECK(second.output().find("a demo runs already") != std::string::npos);

  demo.terminate();
  CHECK(demo.wait() == 0);
  CHECK_FALSE(std::filesystem::exists(current));
  CHECK(processes_with(folder.path().string()).empty());
}

TEST_CASE("demo: a unit that is killed is late, then down, and the rest goes on") {
  if (!runnable()) {
    return;
  }
  const TemporaryFolder folder;
  Program demo(folder.path(), demo_arguments(folder, "2"));
  REQUIRE(eventually([&] { return demo.output().find("Add a unit") != std::string::npos; },
                     std::chrono::seconds(30)));
  const auto told = nlohmann::json::parse(text_of(folder.path() / "steward/current.json"));
  Asker asker(told["broker"]);
  const auto victims = processes_with((folder.path() / "demo/unsigned/units/demo1").string());
  REQUIRE(victims.size() == 1);
  tests::send_signal(victims[0], SIGKILL);
  bool was_late = false;
  const auto killed = std::chrono::steady_clock::now();
  CHECK(eventually([&] {
    const auto row = asker.unit("demo1");
    was_late = was_late || row->state == wire::UnitState::late;
    return row->state == wire::UnitState::down;
  }));
  CHECK(was_late);
  CHECK(std::chrono::steady_clock::now() - killed < std::chrono::milliseconds(2'500));
  CHECK(asker.unit("demo2")->state == wire::UnitState::up);
  demo.terminate();
  CHECK(demo.wait() == 0);
}

TEST_CASE("demo: it ends by itself after the time that it was given") {
  if (!runnable()) {
    return;
  }
  const TemporaryFolder folder;
  auto arguments = demo_arguments(folder, "1");
  arguments.insert(arguments.end(), {"--for", "2"});
  Program demo(folder.path(), arguments);
  CHECK(demo.wait() == 0);
  CHECK(processes_with(folder.path().string()).empty());
}

TEST_CASE("steward: what is wrong with its call or configuration is said, with exit 2") {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "bad.toml") << "nmae = 'x'\n[keep]\ndays = 0\n";
  const auto run = [&folder](std::vector<std::string> arguments, std::string* output = nullptr) {
    Program program(folder.path(), std::move(arguments));
    const int code = program.wait();
    if (output != nullptr) {
      *output = program.output();
    }
    return code;
  };
  std::string output;
  CHECK(run({"run", "--config", (folder.path() / "bad.toml").string()}, &output) == 2);
  CHECK(output.find("nmae") != std::string::npos);
  CHECK(output.find("days") != std::string::npos);
  CHECK(run({"run", "--name", "*", "--check-config"}) == 2);
  CHECK(run({"dance"}) == 2);
  CHECK(run({"--version"}, &output) == 0);
  CHECK(output.substr(0, 8) == "steward ");
  CHECK(run({"run",
             "--check-config",
             "--config",
             std::string(STEWARD_SOURCE_DIR) + "/deploy/config/steward.toml"},
            &output) == 0);
}

}  // namespace
}  // namespace steward::tests::demo_test
