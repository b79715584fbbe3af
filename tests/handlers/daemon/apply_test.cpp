// Daemons as they are wanted: applied, started, stopped, ordered, removed.

#include "tests/handlers/daemon/rig.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>

namespace steward::handlers::daemon::apply_test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using wire::CommandState;
using wire::DaemonState;

TEST_CASE("daemon: it is applied, told as it is, stopped, started, restarted and removed") {
  Rig rig;
  const auto applied = rig.apply("web", "echo up; exec sleep 1000");
  REQUIRE_MESSAGE(applied.state == CommandState::done, applied.message);
  CHECK(json::parse(applied.result)["changed"] == json({"new"}));
  auto row = rig.row("web");
  CHECK(row.state == DaemonState::ready);
  CHECK(row.version == 1);
  CHECK(tests::is_there(row.pid));
  CHECK(rig.heard.states("web") == std::vector<std::string>{"starting", "ready"});

  CHECK(rig.order("stop", "web").state == CommandState::done);
  CHECK(!tests::is_there(row.pid));
  row = rig.row("web");
  CHECK(row.state == DaemonState::stopped);
  CHECK(!row.wanted);
  CHECK(row.last_exit->signal == "TERM");

  CHECK(rig.order("start", "web").state == CommandState::done);
  const auto second = rig.row("web").pid;
  CHECK(tests::is_there(second));
  CHECK(rig.order("restart", "web").state == CommandState::done);
  CHECK(!tests::is_there(second));
  CHECK(tests::is_there(rig.row("web").pid));
  CHECK(rig.row("web").restarts == 0);  // none of these by itself

  const auto last = rig.row("web").pid;
  CHECK(rig.order("remove", "web").state == CommandState::done);
  CHECK(!tests::is_there(last));
  CHECK(rig.order("status", "web").code == "not_found");
  CHECK(!std::filesystem::exists(rig.folder() / "state" / "run" / "web"));
  CHECK(rig.order("remove", "web").state == CommandState::done);
}

TEST_CASE(
    "daemon: one that is ready as it is executed, and ends at once, is answered all the same") {
  Rig rig;
  for (int i = 0; i < 5; ++i) {
    const auto applied =
        rig.apply("web", "exit " + std::to_string(i + 3), R"("restart":{"policy":"never"})");
    CHECK_MESSAGE(applied.state == CommandState::done, applied.message);
  }
}

TEST_CASE("daemon: what is applied again as it is changes nothing, a dry run neither") {
  Rig rig;
  REQUIRE(rig.apply("web", "sleep 1000").state == CommandState::done);
  const auto pid = rig.row("web").pid;
  CHECK(rig.apply("web", "sleep 1000").state == CommandState::done);
  CHECK(rig.row("web").pid == pid);
  const auto dry = rig.apply("web", "sleep 2000", R"("cwd":"/tmp")", R"("dry_run":true)");
  CHECK(json::parse(dry.result)["changed"] == json({"argv", "cwd"}));
  CHECK(rig.row("web").pid == pid);
  CHECK(rig.row("web").version == 1);
  CHECK(rig.apply("web", "sleep 2000").state == CommandState::done);
  CHECK(rig.row("web").pid != pid);
  CHECK(rig.row("web").version == 2);
  CHECK(!tests::is_there(pid));
}

TEST_CASE("daemon: a spec that does not come up goes back to the last good one") {
  Rig rig;
  REQUIRE(rig.apply("web", "exec sleep 1000").state == CommandState::done);
  auto failed = CommandState::done;
  SUBCASE("as its program is not there") {
    failed = rig.ask(R"({"op":"apply","spec":{"name":"web","argv":["/no/such/program"]}})").state;
  }
  SUBCASE("as it is not ready in time") {
    failed =
        rig.apply("web", "exec sleep 999", R"("ready":{"by":"notify","timeout_ms":100})").state;
  }
  SUBCASE("as it ends before it is ready") {
    failed = rig.apply("web", "exit 0", R"("ready":{"by":"delay","delay_ms":5000})").state;
  }
  CHECK(failed == CommandState::failed);
  CHECK(rig.becomes("web", DaemonState::ready));
  const auto status = json::parse(rig.order("status", "web").result);
  CHECK(status["spec"]["argv"] == json({"sh", "-c", "exec sleep 1000"}));
  CHECK(status["version"] == 3);
}

TEST_CASE("daemon: the first spec that does not come up fails with the reason, and is tried on") {
  Rig rig;
  const auto failed =
      rig.ask(R"({"op":"apply","spec":{"name":"web","argv":["/no/such/program"]}})");
  CHECK(failed.state == CommandState::failed);
  CHECK(failed.message.find("execute /no/such/program") != std::string::npos);
  CHECK(rig.becomes("web", DaemonState::backoff));
  const auto user = rig.apply("other", "true", R"("user":"nobody-of-that-name")");
  CHECK(user.state == CommandState::failed);
  CHECK(user.message.find("nobody-of-that-name") != std::string::npos);
}

TEST_CASE("daemon: it is ready when it says so, on a descriptor or by sd_notify") {
  Rig rig;
  const auto gate = (rig.folder() / "gate").string();
  const std::string wait = "while ! [ -e " + gate + " ]; do sleep 0.02; done; ";
  std::string script;
  std::string ready;
  SUBCASE("on a descriptor") {
    script = wait + "echo >&4; exec 4>&-; exec sleep 1000";
    ready = R"("ready":{"by":"fd","fd":4})";
  }
  SUBCASE("by sd_notify") {
    script = wait +
             "exec perl -MSocket -e 'my $n = $ENV{NOTIFY_SOCKET}; $n =~ s/^@/\\0/; "
             "socket(S, AF_UNIX, SOCK_DGRAM, 0); "
             "send(S, \"STATUS=warm\\nREADY=1\", 0, pack_sockaddr_un($n)); sleep 1000'";
    ready = R"("ready":{"by":"notify"})";
  }
  REQUIRE(rig.apply("web", script, ready, R"("wait":false)").state == CommandState::done);
  REQUIRE(rig.until([&] { return rig.heard.states("web").size() == 1; }));
  CHECK(rig.row("web").state == DaemonState::starting);
  std::filesystem::create_directory(gate);
  CHECK(rig.becomes("web", DaemonState::ready));
  rig.restart();
  CHECK(rig.becomes("web", DaemonState::ready));
  CHECK(rig.heard.exits("web").empty());
}

TEST_CASE("daemon: one waits for those before it, and needs those that it requires") {
  Rig rig;
  const auto gate = (rig.folder() / "gate").string();
  const std::string slow =
      "while ! [ -e " + gate + " ]; do sleep 0.02; done; echo >&3; exec 3>&-; exec sleep 1000";
  REQUIRE(rig.apply("late", "exec sleep 1000", R"("requires":["base"])", R"("wait":false)").state ==
          CommandState::done);
  CHECK(rig.row("late").state == DaemonState::waiting);
  CHECK(rig.row("late").reason == "needs base, which is not there");
  CHECK(rig.order("start", "late").code == "unavailable");
  REQUIRE(rig.apply("base", slow, R"("ready":{"by":"fd"})", R"("wait":false)").state ==
          CommandState::done);
  REQUIRE(rig.until([&] { return rig.row("late").reason == "waits for base"; }));
  std::filesystem::create_directory(gate);
  CHECK(rig.becomes("late", DaemonState::ready));
  const auto circle = rig.apply("base", slow, R"("after":["late"])");
  CHECK(circle.state == CommandState::failed);
  CHECK(circle.message == "they would wait for each other: base -> late -> base");
  CHECK(rig.row("base").state == DaemonState::ready);
}

TEST_CASE("daemon: a start that comes while it is being stopped starts it again at once") {
  Rig rig;
  REQUIRE(rig.apply("web", "trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.02; done").state ==
          CommandState::done);
  const auto stop = rig.send(R"({"op":"stop","name":"web"})");
  CHECK(rig.order("start", "web").state == CommandState::done);
  CHECK(rig.heard.ends.at(stop).code == "conflict");
  CHECK(rig.row("web").restarts == 0);
  CHECK(rig.heard.exits("web").size() == 1);
}

TEST_CASE("daemon: signals, logs and wrong orders are answered") {
  Rig rig;
  REQUIRE(rig.apply("web", "trap 'echo hup' HUP; echo one; while :; do sleep 0.02; done").state ==
          CommandState::done);
  REQUIRE(rig.until([&] {
    return json::parse(rig.ask(R"({"op":"logs","name":"web","lines":5})").result)["data"] ==
           "one\n";
  }));
  CHECK(rig.ask(R"({"op":"signal","name":"web","signal":"HUP"})").state == CommandState::done);
  REQUIRE(rig.until([&] {
    return json::parse(rig.ask(R"({"op":"logs","name":"web","offset":4})").result)["data"] ==
           "hup\n";
  }));
  CHECK(rig.ask(R"({"op":"signal","name":"web","signal":"HOP"})").code == "unsupported");
  CHECK(rig.ask(R"({"op":"signal","name":"none","signal":"HUP"})").code == "not_found");
  CHECK(rig.order("start", "none").code == "not_found");
  CHECK(rig.ask(R"({"op":"apply","spec":{"name":"../x","argv":["true"]}})").code == "bad_payload");
  CHECK(rig.ask(R"({"op":"apply","spec":{"name":"x"}})").code == "bad_payload");
  CHECK(rig.ask(R"({"op":"apply"})").code == "bad_payload");
  CHECK(rig.ask(R"({})").code == "bad_payload");
  CHECK(rig.ask(R"({"op":"fly","name":"web"})").code == "unsupported");
}

TEST_CASE("daemon: TERM that is ignored is followed by KILL, for those of other sessions, too") {
  Rig rig;
  REQUIRE(rig.apply("web",
                    "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 987654' & sleep 987654",
                    R"("stop":{"grace_ms":200})")
              .state == CommandState::done);
  REQUIRE(rig.until([] { return copies_of("987654") >= 3; }));
  CHECK(rig.order("stop", "web").state == CommandState::done);
  CHECK(copies_of("987654") == 0);
}

}  // namespace
}  // namespace steward::handlers::daemon::apply_test
