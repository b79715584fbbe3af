// Daemons that a file on the unit says.

#include "tests/handlers/daemon/rig.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace steward::handlers::daemon::files_test {

using wire::CommandState;
using wire::DaemonState;

void write(const Rig& rig, const std::string& name, const std::string& text) {
  std::filesystem::create_directories(rig.specs());
  std::ofstream(rig.specs() / name) << text;
}

bool is_known(Rig& rig, const std::string& name) {
  return rig.order("status", name).state == CommandState::done;
}

std::optional<wire::AlertEvent> last_alert(const Rig& rig) {
  return rig.heard.alerts.empty() ? std::nullopt : std::optional(rig.heard.alerts.back());
}

TEST_CASE("daemon files: a file is a daemon, a change of it a change, its end the daemon's") {
  Rig rig;
  write(rig, "web.toml", "argv = [\"sleep\", \"1000\"]\n[restart]\nmin_ms = 100\n");
  REQUIRE(rig.until([&] { return is_known(rig, "web"); }));
  REQUIRE(rig.becomes("web", DaemonState::ready));
  const auto pid = rig.row("web").pid;

  write(rig, "web.toml", "argv = [\"sleep\", \"1001\"]\n");
  REQUIRE(rig.until([&] { return rig.row("web").version == 2; }));
  REQUIRE(rig.becomes("web", DaemonState::ready));
  CHECK(rig.row("web").pid != pid);

  std::filesystem::remove(rig.specs() / "web.toml");
  CHECK(rig.until([&] { return !is_known(rig, "web"); }));
}

TEST_CASE("daemon files: what a command says holds until the file changes, also over a restart") {
  Rig rig;
  write(rig, "web.toml", "argv = [\"sleep\", \"1000\"]\n");
  REQUIRE(rig.until([&] { return is_known(rig, "web"); }));
  REQUIRE(rig.order("stop", "web").state == CommandState::done);
  rig.restart();
  REQUIRE(rig.becomes("web", DaemonState::stopped));
  const auto refused = rig.order("remove", "web");
  CHECK(refused.code == "conflict");
  CHECK(refused.message.find("a file of the unit says it") != std::string::npos);
  write(rig, "web.toml", "argv = [\"sleep\", \"1002\"]\n");
  CHECK(rig.becomes("web", DaemonState::ready));
}

TEST_CASE("daemon files: a wrong one is an alert with its place, and takes no daemon away") {
  Rig rig;
  write(rig, "web.toml", "argv = [\"sleep\", \"1000\"]\n");
  REQUIRE(rig.until([&] { return is_known(rig, "web"); }));
  write(rig, "web.toml", "argv = [\"sleep\"\nenv = 3\n");
  REQUIRE(rig.until([&] { return last_alert(rig).has_value(); }));
  CHECK(last_alert(rig)->state == wire::AlertEvent::State::firing);
  CHECK(last_alert(rig)->alerts.front().rule == "daemon_file");
  CHECK(last_alert(rig)->alerts.front().series.find("web.toml") != std::string::npos);
  CHECK(last_alert(rig)->alerts.front().condition.find("line 2") != std::string::npos);
  CHECK(rig.row("web").state == DaemonState::ready);

  write(rig, "web.toml", "argv = [\"sleep\", \"1000\"]\n");
  REQUIRE(rig.until([&] { return last_alert(rig)->state == wire::AlertEvent::State::resolved; }));
  CHECK(rig.row("web").version == 1);
}

TEST_CASE(
    "daemon files: two that wait for each other are refused, and one that comes right starts") {
  Rig rig;
  write(rig, "a.json", R"({"argv":["sleep","1000"],"after":["b"]})");
  write(rig, "b.json", R"({"argv":["sleep","1000"],"after":["a"]})");
  REQUIRE(rig.until([&] { return last_alert(rig).has_value(); }));
  CHECK(last_alert(rig)->alerts.front().condition.find("wait for each other") != std::string::npos);
  write(rig, "b.json", R"({"argv":["sleep","1000"]})");
  REQUIRE(rig.until([&] { return is_known(rig, "b"); }));
  CHECK(rig.becomes("a", DaemonState::ready));
}

}  // namespace steward::handlers::daemon::files_test
