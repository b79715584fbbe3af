// Commands that go on without the agent, with the real steward-shim.

#include "tests/handlers/shellcommand/harness.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace steward::handlers::shellcommand::detach_test {
namespace {

namespace fs = std::filesystem;
using wire::CommandState;

const std::string kShim = "shim = \"" STEWARD_BIN_DIR "/steward-shim\"\n";
const std::string kOptions = kShim + "detached_sweep_ms = 100\n";

std::string detached(const std::string& script, const std::string& more = "") {
  return shell_json(script, R"("detach":true)" + (more.empty() ? "" : "," + more));
}

bool runs(Harness& harness, const wire::MessageId& id) {
  return harness.until([&] { return harness.find(id, CommandState::running) != nullptr; });
}

std::filesystem::path folder_of(const Harness& harness, const wire::MessageId& id) {
  return harness.folder / "state" / "detached" / id.str();
}

int lines_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  int lines = 0;
  for (std::string line; std::getline(in, line);) {
    ++lines;
  }
  return lines;
}

}  // namespace

TEST_CASE("shellcommand: a detached command ends with the same result as another one") {
  Harness harness(kOptions);
  const std::string script = "echo out; echo err >&2; cat; exit 3";
  const auto one = harness.run(shell_json(script, R"("stdin":{"text":"typed"})"));
  const auto other = harness.run(detached(script, R"("stdin":{"text":"typed"})"));
  CHECK(other.ack.state == CommandState::failed);
  CHECK(other.ack.message == one.ack.message);
  CHECK(other.result.exit_code == 3);
  CHECK(other.result.out == one.result.out);
  CHECK(other.result.err == one.result.err);
  CHECK(other.result.max_rss_bytes > 0);
  CHECK(harness.until([&] { return !std::filesystem::exists(folder_of(harness, other.id)); }));
}

TEST_CASE(
    "shellcommand: a detached command that is over before its shim was heard ends as others") {
  // A shim that is through before it has taken up the agent's connection leaves this behind, and a
  // connection that is reset: seldom, where the machine has more to do than it can.
  const tests::TemporaryFolder folder;
  const auto shim = folder.path() / "unheard-shim";
  std::ofstream(shim) << "#!/bin/sh\necho 4711 > child\n"
                         "echo exited 3 0 0 $(date +%s)000000 10 20 4096 > exit\n";
  fs::permissions(shim, fs::perms::owner_all);
  Harness harness("shim = \"" + shim.string() + "\"\n");
  const auto over = harness.run(detached("exit 3"));
  CHECK(over.ack.state == CommandState::failed);
  CHECK(over.result.exit_code == 3);
  CHECK(over.result.duration < std::chrono::minutes(1));
  CHECK(harness.find(over.id, CommandState::running) != nullptr);
}

TEST_CASE("shellcommand: a detached command that cannot be executed says why") {
  Harness harness(kOptions);
  const auto failed = harness.run(R"({"argv":["/no/such/program"],"detach":true})");
  CHECK(failed.ack.code == "exec_failed");
  CHECK(failed.ack.message == "execute /no/such/program: No such file or directory (ENOENT)");
}

TEST_CASE("shellcommand: without its shim a detached command fails and says what is missing") {
  Harness harness("shim = \"/no/shim\"\n");
  const auto failed = harness.run(detached("true"));
  CHECK(failed.ack.code == "exec_failed");
  CHECK(failed.ack.message == "execute /no/shim: No such file or directory (ENOENT)");
}

TEST_CASE("shellcommand: a detached command runs beside the queue, and is cancelled like another") {
  Harness harness(kOptions);
  const auto id = harness.send(detached("sleep 100 & setsid sleep 100"));
  REQUIRE(runs(harness, id));
  CHECK(harness.run(shell_json("echo beside")).ack.state == CommandState::done);
  CHECK(harness.handler->cancel(id) == runtime::CancelOutcome::cancelled);
  CHECK(harness.outcome(id).ack.state == CommandState::cancelled);
  CHECK(harness.until([&] { return processes_of(id).empty(); }));
}

TEST_CASE("shellcommand: a cancel that comes while a detached command starts ends it") {
  Harness harness(kOptions);
  const auto id = harness.send(detached("sleep 100"));
  CHECK(harness.handler->cancel(id) == runtime::CancelOutcome::cancelled);
  CHECK(harness.outcome(id).ack.state == CommandState::cancelled);
  CHECK(harness.until([&] { return processes_of(id).empty(); }));
}

TEST_CASE("shellcommand: a detached command has its time limit, and is asked as it runs") {
  Harness harness(kOptions);
  const auto id =
      harness.send(detached("trap 'echo got' USR1; echo up; while :; do sleep 0.05; done",
                            R"("timeout_ms":1500,"output":{"mode":"both"})"));
  REQUIRE(harness.until([&] { return harness.streamed(id, 1).bytes == "up\n"; }));
  const auto ask = [&](const char* op, const std::string& more) {
    return harness
        .outcome(harness.send(std::string(R"({"op":")") + op + R"(","ref":")" + id.str() + "\"" +
                              more + "}"))
        .ack.result;
  };
  const auto pid = *harness.find(id, CommandState::running)->pid;
  CHECK(nlohmann::json::parse(ask("signal", R"(,"signal":"USR1")"))["pid"] == pid);
  REQUIRE(harness.until([&] { return harness.streamed(id, 1).bytes == "up\ngot\n"; }));
  CHECK(nlohmann::json::parse(ask("output", ""))["data"] == "up\ngot\n");
  CHECK(nlohmann::json::parse(ask("status", ""))["state"] == "running");
  const auto end = harness.outcome(id);
  CHECK(end.ack.state == CommandState::timed_out);
  CHECK(end.result.out.head == "up\ngot\n");
  CHECK(harness.until([&] { return processes_of(id).empty(); }));
}

TEST_CASE("shellcommand: a detached command outlives the agent; the next one tells its true end") {
  Harness harness(kShim);
  const auto effects = harness.folder / "effects";
  const auto payload = detached("echo ran >> " + effects.string() +
                                "; echo before; sleep 0.5; echo after; echo err >&2; exit 9");
  const auto id = harness.send(payload);
  REQUIRE(runs(harness, id));
  const auto pid = *harness.find(id, CommandState::running)->pid;
  harness.restart();
  SUBCASE("it runs still") {}
  SUBCASE("it has ended meanwhile") {
    REQUIRE(
        harness.until([&] { return std::filesystem::exists(folder_of(harness, id) / "exit"); }));
  }
  SUBCASE("three agents later") {
    harness.take_up(id, payload);
    harness.run_for(50ms);
    harness.restart();
    harness.take_up(id, payload);
    harness.run_for(50ms);
    harness.restart();
  }
  CHECK(harness.terminal(id) == nullptr);
  harness.take_up(id, payload);
  const auto end = harness.outcome(id);
  CHECK(end.ack.state == CommandState::failed);
  CHECK(end.result.exit_code == 9);
  CHECK(end.result.out.head == "before\nafter\n");
  CHECK(end.result.err.head == "err\n");
  CHECK(end.result.out.sha256.size() == 64);
  CHECK(end.result.duration >= 400ms);
  CHECK(end.result.duration < 20s);
  CHECK(lines_in(effects) == 1);
  CHECK(pid > 0);
}

TEST_CASE("shellcommand: a detached command's time limit goes on over a restart") {
  Harness harness(kShim);
  const auto payload = detached("sleep 100", R"("timeout_ms":700)");
  const auto id = harness.send(payload);
  REQUIRE(runs(harness, id));
  harness.restart();
  harness.take_up(id, payload);
  CHECK(harness.outcome(id).ack.state == CommandState::timed_out);
  CHECK(harness.until([&] { return processes_of(id).empty(); }));
}

TEST_CASE(
    "shellcommand: a detached command of which nothing is there is interrupted, not run again") {
  Harness harness(kOptions);
  const auto effects = harness.folder / "effects";
  const auto id = harness.clock.new_id();
  harness.take_up(id, detached("echo ran >> " + effects.string()));
  CHECK(harness.outcome(id).ack.state == CommandState::interrupted);
  CHECK(!std::filesystem::exists(effects));
}

TEST_CASE(
    "shellcommand: a detached command whose shim is killed is interrupted, and nothing goes on") {
  Harness harness(kOptions);
  const auto id = harness.send(detached("setsid sleep 100 & sleep 100"));
  REQUIRE(runs(harness, id));
  REQUIRE(harness.until([&] { return processes_of(id).size() == 3; }));
  REQUIRE(
      tests::send_signal(tests::parent_of(*harness.find(id, CommandState::running)->pid), SIGKILL));
  CHECK(harness.outcome(id).ack.state == CommandState::interrupted);
  CHECK(processes_of(id).empty());
}

TEST_CASE("shellcommand: what no command stands for any more is ended and cleared away") {
  Harness harness(kOptions);
  const auto id = harness.send(detached("sleep 100"));
  REQUIRE(runs(harness, id));
  harness.restart();  // and nobody takes it up
  CHECK(harness.until([&] { return processes_of(id).empty(); }));
  CHECK(harness.until([&] { return !std::filesystem::exists(folder_of(harness, id)); }));
}

}  // namespace steward::handlers::shellcommand::detach_test
