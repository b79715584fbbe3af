// Daemons that end.

#include "tests/handlers/daemon/rig.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace steward::handlers::daemon::restart_test {
namespace {

using namespace std::chrono_literals;
using wire::CommandState;
using wire::DaemonState;

TEST_CASE("daemon: one that ends is started again, and how it ended is told with its last lines") {
  Rig rig;
  REQUIRE(rig.apply("web", "echo last words; exec sleep 1000").state == CommandState::done);
  const auto pid = rig.row("web").pid;
  REQUIRE(rig.until([&] { return rig.heard.states("web").back() == "ready"; }));
  REQUIRE(tests::send_signal(pid, SIGKILL));
  REQUIRE(rig.until([&] { return rig.heard.states("web").size() == 5; }));
  CHECK(rig.heard.states("web") ==
        std::vector<std::string>{"starting", "ready", "backoff", "starting", "ready"});
  const auto row = rig.row("web");
  CHECK(row.restarts == 1);
  CHECK(row.pid != pid);
  CHECK(tests::is_there(row.pid));
  REQUIRE(rig.heard.exits("web").size() == 1);
  const auto exit = rig.heard.exits("web").front();
  CHECK(exit.signal == "KILL");
  CHECK(!exit.exit_code);
  CHECK(exit.last_log == "last words\n");
  CHECK(exit.ended >= exit.started);
}

TEST_CASE("daemon: what its processes leave behind is ended before it is started again") {
  Rig rig;
  REQUIRE(rig.apply("web", "setsid sleep 876543 & exec sleep 1000").state == CommandState::done);
  REQUIRE(rig.until([] { return copies_of("876543") == 1; }));
  REQUIRE(tests::send_signal(rig.row("web").pid, SIGKILL));
  REQUIRE(rig.until([&] { return rig.row("web").restarts == 1; }));
  REQUIRE(rig.becomes("web", DaemonState::ready));
  REQUIRE(rig.until([] { return copies_of("876543") == 1; }));
}

TEST_CASE("daemon: five quick ends raise an alert, which ends with the order to stop") {
  Rig rig;
  REQUIRE(rig.apply("web",
                    "exit 3",
                    R"("restart":{"min_ms":1,"max_ms":2},"ready":{"by":"delay","delay_ms":1000})")
              .state == CommandState::failed);
  REQUIRE(rig.until([&] { return !rig.heard.alerts.empty(); }));
  CHECK(rig.heard.alerts.front().state == wire::AlertEvent::State::firing);
  CHECK(rig.heard.alerts.front().alerts.front().rule == "daemon_crash_loop");
  CHECK(rig.heard.exits("web").size() >= 5);
  CHECK(rig.heard.exits("web").front().exit_code == 3);
  REQUIRE(rig.until([&] { return rig.row("web").restarts >= 10; }));  // it never gives up
  CHECK(rig.order("stop", "web").state == CommandState::done);
  CHECK(rig.heard.alerts.size() == 2);
  CHECK(rig.heard.alerts.back().state == wire::AlertEvent::State::resolved);
}

TEST_CASE("daemon: its policy says which ends are the end") {
  Rig rig;
  CHECK(rig.apply("once", "exit 0", R"("restart":{"policy":"on_failure"})").state ==
        CommandState::done);
  CHECK(rig.becomes("once", DaemonState::stopped));
  CHECK(rig.apply("never", "sleep 0.1; exit 4", R"("restart":{"policy":"never"})").state ==
        CommandState::done);
  CHECK(rig.becomes("never", DaemonState::failed));
  CHECK(rig.row("never").reason == "ended with exit code 4");
  CHECK(rig.row("never").wanted);
}

TEST_CASE("daemon: two hundred that end together leave others alone, and all come again") {
  constexpr int kCount = 200;
  Rig rig;
  REQUIRE(rig.apply("calm", "exec sleep 1000").state == CommandState::done);
  const auto calm = rig.row("calm").pid;
  const auto gate = (rig.folder() / "gate").string();
  for (int i = 0; i < kCount; ++i) {
    (void)rig.send(R"({"op":"apply","wait":false,"spec":{"name":"d)" + std::to_string(i) +
                   R"(","argv":["sh","-c","[ -e )" + gate + R"( ] || exit 1; exec sleep 1000"],)" +
                   R"("restart":{"max_ms":500}}})");
  }
  REQUIRE(rig.until([&] {
    return std::count_if(rig.heard.events.begin(), rig.heard.events.end(), [](const auto& event) {
             return event.type == wire::DaemonEvent::Type::exit;
           }) >= kCount;
  }));
  std::filesystem::create_directory(gate);
  for (int i = 0; i < kCount; ++i) {
    CHECK(rig.becomes("d" + std::to_string(i), DaemonState::ready));
  }
  CHECK(rig.row("calm").pid == calm);
  CHECK(rig.heard.exits("calm").empty());
}

}  // namespace
}  // namespace steward::handlers::daemon::restart_test
