// Daemons while the agent is away.

#include "tests/handlers/daemon/rig.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <chrono>
#include <fstream>
#include <map>
#include <random>
#include <thread>

namespace steward::handlers::daemon::adoption_test {
namespace {

using namespace std::chrono_literals;
using wire::CommandState;
using wire::DaemonState;

// What it has said.
std::string output(Rig& rig, const std::string& name) {
  const auto log = rig.ask(R"({"op":"logs","name":")" + name + "\"}");
  return nlohmann::json::parse(log.result).value("data", "");
}

TEST_CASE("daemon: it runs on when the agent stops or dies, and is taken up as it is") {
  Rig rig;
  REQUIRE(rig.apply("web", "exec sleep 1000").state == CommandState::done);
  REQUIRE(rig.apply("off", "exec sleep 1000").state == CommandState::done);
  REQUIRE(rig.order("stop", "off").state == CommandState::done);
  const auto pid = rig.row("web").pid;
  SUBCASE("stops") { rig.restart(); }
  SUBCASE("dies") { rig.crash(); }
  CHECK(rig.becomes("web", DaemonState::ready));
  CHECK(rig.row("web").pid == pid);
  CHECK(rig.row("web").reason == "runs since before this agent");
  CHECK(rig.becomes("off", DaemonState::stopped));
  CHECK(rig.heard.exits("web").empty());
  const auto all = [&] {
    return std::find_if(rig.heard.events.begin(), rig.heard.events.end(), [](const auto& event) {
      return event.type == wire::DaemonEvent::Type::all;
    });
  };
  REQUIRE(rig.until([&] { return all() != rig.heard.events.end(); }));
  CHECK(all()->daemons.size() == 2);
}

TEST_CASE("daemon: an end that was being forgotten when the agent died is not told again") {
  Rig rig;
  rig.apply("web", "exit 6", R"("restart":{"min_ms":60000})", R"("wait":false)");
  REQUIRE(rig.until([&] { return rig.heard.exits("web").size() == 1; }));
  const auto run = rig.folder() / "state" / "run" / "web";
  rig.away([&] {
    REQUIRE(std::filesystem::exists(run / "exit"));
    REQUIRE(std::filesystem::remove(run / "child"));
  });
  // It is started again, and that run has an end of its own.
  REQUIRE(rig.until([&] { return rig.row("web").state == DaemonState::backoff; }));
  CHECK(rig.heard.exits("web").size() == 2);
  CHECK(rig.heard.exits("web").back().exit_code == 6);
}

TEST_CASE("daemon: one that ended while no agent was there is told and started again") {
  Rig rig;
  const auto gate = (rig.folder() / "gate").string();
  REQUIRE(rig.apply("web",
                    "while ! [ -e " + gate + " ]; do sleep 0.02; done; rmdir " + gate +
                        "; echo done; exit 6")
              .state == CommandState::done);
  const auto pid = rig.row("web").pid;
  std::filesystem::create_directory(gate);
  while (tests::is_there(pid)) {  // the loop stands still: the agent sees nothing of it
    std::this_thread::sleep_for(5ms);
  }
  rig.crash();
  REQUIRE(rig.until([&] { return !rig.heard.exits("web").empty(); }));
  CHECK(rig.heard.exits("web").front().exit_code == 6);
  CHECK(rig.heard.exits("web").front().last_log == "done\n");
  CHECK(rig.becomes("web", DaemonState::ready));
}

TEST_CASE("daemon: an end is told once, and one that may stay down does so over agents") {
  Rig rig;
  REQUIRE(rig.apply("once", "exit 0", R"("restart":{"policy":"on_failure"})").state ==
          CommandState::done);
  REQUIRE(rig.apply("off", "exec sleep 1000").state == CommandState::done);
  REQUIRE(rig.order("stop", "off").state == CommandState::done);
  REQUIRE(rig.until([&] {
    return !std::filesystem::exists(rig.folder() / "state/run/once/exit") &&
           !std::filesystem::exists(rig.folder() / "state/run/off/exit");
  }));
  rig.crash();
  CHECK(rig.becomes("once", DaemonState::stopped));
  CHECK(rig.becomes("off", DaemonState::stopped));
  CHECK(rig.heard.exits("once").size() == 1);
  CHECK(rig.heard.exits("off").size() == 1);
  CHECK(rig.order("start", "once").state == CommandState::done);
  CHECK(rig.until([&] { return rig.heard.exits("once").size() == 2; }));
}

TEST_CASE("daemon: whose shim is killed is started again, once, and that it was is said") {
  Rig rig;
  REQUIRE(rig.apply("web", "exec sleep 765432").state == CommandState::done);
  const auto shim = tests::parent_of(rig.row("web").pid);
  SUBCASE("under the agent's eyes") { REQUIRE(tests::send_signal(shim, SIGKILL)); }
  SUBCASE("while it is away") {
    REQUIRE(tests::send_signal(shim, SIGKILL));
    rig.crash();
  }
  REQUIRE(rig.until([&] { return !rig.heard.exits("web").empty(); }));
  CHECK(!rig.heard.exits("web").front().exit_code);
  CHECK(rig.heard.exits("web").front().signal.empty());
  REQUIRE(rig.until([&] { return rig.row("web").restarts == 1; }));
  CHECK(rig.becomes("web", DaemonState::ready));
  CHECK(copies_of("sleep\00765432") + copies_of("765432") >= 1);
  CHECK(copies_of("765432") == 1);
}

TEST_CASE(
    "daemon: one whose spec changes while the agent dies is the new one, and the old is gone") {
  Rig rig;
  REQUIRE(rig.apply("web",
                    "trap '' TERM; echo up; while :; do sleep 0.1; done",
                    R"("stop":{"grace_ms":3000})")
              .state == CommandState::done);
  const auto old = rig.row("web").pid;
  rig.until([&] { return !output(rig, "web").empty(); });
  rig.send(R"({"op":"apply","wait":false,"spec":{"name":"web","argv":["sleep","1000"]}})");
  REQUIRE(rig.until([&] { return rig.row("web").state == DaemonState::stopping; }));
  REQUIRE(tests::is_there(old));
  rig.crash();
  CHECK(rig.row("web").version == 2);
  REQUIRE(rig.becomes("web", DaemonState::ready));
  CHECK(!tests::is_there(old));
  CHECK(rig.row("web").pid != old);
  CHECK(rig.row("web").restarts == 0);
  rig.crash();  // and the one after that finds nothing left to do
  REQUIRE(rig.becomes("web", DaemonState::ready));
  CHECK(rig.row("web").version == 2);
  CHECK(rig.row("web").reason == "runs since before this agent");
}

TEST_CASE("daemon: one that is to end with the agent does so, and starts with the next") {
  Rig rig;
  REQUIRE(rig.apply("web", "exec sleep 1000", R"("on_agent_exit":"stop")").state ==
          CommandState::done);
  const auto pid = rig.row("web").pid;
  rig.restart();
  CHECK(!tests::is_there(pid));
  CHECK(rig.becomes("web", DaemonState::ready));
  CHECK(rig.row("web").pid != pid);
}

TEST_CASE("daemon: twenty survive an agent that dies again and again: same processes, all lines") {
  Rig rig;
  std::map<std::string, std::int64_t> pids;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "d" + std::to_string(i);
    REQUIRE(rig.apply(name, "n=0; while :; do n=$((n+1)); echo line $n; sleep 0.01; done").state ==
            CommandState::done);
    pids[name] = rig.row(name).pid;
  }
  std::mt19937 random(20'261'122);
  for (int death = 0; death < 20; ++death) {
    const auto after = std::chrono::milliseconds(random() % 30);
    const auto until = std::chrono::steady_clock::now() + after;
    CHECK(rig.until([until] { return std::chrono::steady_clock::now() >= until; }));
    rig.crash();
  }
  for (const auto& [name, pid] : pids) {
    REQUIRE(rig.becomes(name, DaemonState::ready));
    CHECK(rig.row(name).pid == pid);
    CHECK(rig.heard.exits(name).empty());
    std::ifstream log(rig.folder() / "state" / "run" / name / "1-00000000000000000000");
    int expected = 1;
    for (std::string line; std::getline(log, line) && !log.eof(); ++expected) {
      if (line != "line " + std::to_string(expected)) {
        FAIL("line " << expected << " of " << name << " is: " << line);
      }
    }
    CHECK(expected > 20);
  }
}

}  // namespace
}  // namespace steward::handlers::daemon::adoption_test
