// How a command ends when it does not end by itself.

#include "tests/handlers/shellcommand/harness.hpp"
#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <algorithm>

namespace steward::handlers::shellcommand::end_test {
namespace {

using wire::CommandState;

}  // namespace

TEST_CASE(
    "shellcommand: a background child that holds the pipe delays the result by drain_ms only") {
  Harness harness;
  const auto done =
      harness.outcome(harness.send(shell_json("echo done; sleep 4 & exit 0", R"("drain_ms":200)")));
  CHECK(done.ack.state == CommandState::done);
  CHECK(done.took >= 150ms);
  CHECK(done.took < 2s);
  CHECK(done.result.out.head == "done\n");
  CHECK(done.result.pipe_held);
  CHECK(done.result.leaked_processes == 1);
  const auto left = processes_of(done.id);
  REQUIRE(left.size() == 1);
  REQUIRE(done.result.holders.size() == 1);
  CHECK(done.result.holders.front() == left.front());
  tests::send_signal(left.front(), SIGKILL);
  CHECK(harness.until([&] { return processes_of(done.id).empty() && zombies() == 0; }, 2s));
}

TEST_CASE("shellcommand: a background child without the pipe is told, and nobody waits for it") {
  Harness harness;
  const auto done = harness.outcome(harness.send(shell_json("sleep 4 >/dev/null 2>&1 & exit 0")));
  CHECK(done.took < 400ms);
  CHECK(!done.result.pipe_held);
  CHECK(done.result.leaked_processes == 1);
  for (const auto pid : processes_of(done.id)) {
    tests::send_signal(pid, SIGKILL);
  }
}

TEST_CASE("shellcommand: at the timeout the whole tree ends, whatever it did to hide") {
  Harness harness;

  struct Row {
    const char* name;
    const char* script;
    int killed;
  };

  const Row rows[] = {
      {"one process", "exec sleep 61.7", 1},
      {"children", "sleep 61.7 & sleep 61.7 & sleep 61.7", 4},
      {"a session of its own", "setsid sleep 61.7 & setsid setsid sleep 61.7 & sleep 61.7", 4},
      {"double-forked", "(setsid sleep 61.7 & ) ; (setsid sleep 61.7 &); sleep 61.7", 4},
      {"double-forked with an empty environment",
       "(env -i setsid /usr/bin/sleep 61.7 &); (env -i setsid sh -c 'sleep 61.7 & sleep 61.7 & "
       "wait' & ); sleep 61.7",
       6},
      {"stopped", "sleep 61.7 & kill -STOP $!; sleep 61.7", 3},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto done = harness.run(shell_json(row.script, R"("timeout_ms":300,"grace_ms":2000)"));
    CHECK(done.ack.state == CommandState::timed_out);
    CHECK(done.ack.code == "timed_out");
    CHECK(done.result.signal == "TERM");
    CHECK(done.result.killed_processes == row.killed);
    CHECK(done.result.leaked_processes == 0);
    CHECK(!done.result.pipe_held);
    CHECK(done.took < 2s);
    CHECK(harness.told(done.id, wire::ShellEventType::term_sent));
    CHECK(!harness.told(done.id, wire::ShellEventType::kill_sent));
    CHECK(processes_with_text("61.7").empty());
    CHECK(harness.until([] { return zombies() == 0; }, 2s));
  }
}

TEST_CASE("shellcommand: who ignores TERM is killed after the grace") {
  Harness harness;
  const auto done =
      harness.run(shell_json("trap '' TERM; (trap '' TERM; setsid sh -c 'while :; do sleep 0.1; "
                             "done') & while :; do sleep 0.1; done",
                             R"("timeout_ms":200,"grace_ms":300)"));
  CHECK(done.ack.state == CommandState::timed_out);
  CHECK(done.result.signal == "KILL");
  CHECK(done.took >= 450ms);
  CHECK(done.took < 1500ms);
  CHECK(done.result.killed_processes >= 2);
  CHECK(harness.told(done.id, wire::ShellEventType::kill_sent));
}

TEST_CASE("shellcommand: who ends within the grace may say good-bye") {
  Harness harness;
  const auto done = harness.run(shell_json(
      "trap 'echo bye; exit 7' TERM; while :; do sleep 0.05; done", R"("timeout_ms":200)"));
  CHECK(done.ack.state == CommandState::timed_out);
  CHECK(done.result.exit_code == 7);
  CHECK(done.result.out.head == "bye\n");
}

TEST_CASE("shellcommand: kill_scope main lets the rest of the tree live, and says so") {
  Harness harness;
  const auto done = harness.outcome(
      harness.send(shell_json("sleep 62.3 & sleep 62.3 & exec sleep 62.3",
                              R"("timeout_ms":200,"kill_scope":"main","drain_ms":50)")));
  CHECK(done.ack.state == CommandState::timed_out);
  CHECK(done.result.killed_processes == 1);
  CHECK(done.result.leaked_processes == 2);
  CHECK(done.result.pipe_held);
  for (const auto pid : processes_of(done.id)) {
    tests::send_signal(pid, SIGKILL);
  }
  CHECK(harness.until([] { return zombies() == 0; }, 2s));
}

TEST_CASE(
    "shellcommand: a fork bomb is bounded by pids and ended, and the handler answers meanwhile") {
  if (geteuid() != 0) {
    MESSAGE("needs root, to run as another user: skipped");
    return;
  }
  Harness harness;
  const auto bomb = harness.send(shell_json(
      "b() { b | b & }; b; sleep 60; sleep 60",
      R"("user":"nobody","limits":{"pids":50},"timeout_ms":1000,"grace_ms":200,"queue":"parallel")"));
  harness.run_for(300ms);
  const auto status =
      harness.outcome(harness.send(R"({"op":"status","ref":")" + bomb.str() + "\"}"), 500ms);
  CHECK(status.ack.state == CommandState::done);
  CHECK(harness.outcome(harness.send(R"({"argv":["true"],"queue":"parallel"})")).ack.state ==
        CommandState::done);
  const auto done = harness.outcome(bomb);
  CHECK(done.result.limits_applied.at("pids") == "rlimit");
  CHECK((done.ack.state == CommandState::timed_out || done.ack.state == CommandState::failed));
  CHECK(done.result.leaked_processes == 0);
  CHECK(processes_of(bomb).empty());
  CHECK(harness.until([] { return zombies() == 0; }, 3s));
}

TEST_CASE("shellcommand: a cancel ends a running command, its output so far is in the result") {
  Harness harness;
  const auto id = harness.send(shell_json("echo begun; sleep 63.9 & sleep 63.9"));
  REQUIRE(harness.until([&] { return harness.find(id, CommandState::running) != nullptr; }));
  harness.run_for(100ms);
  CHECK(harness.handler->cancel(id) == runtime::CancelOutcome::cancelled);
  CHECK(harness.handler->cancel(id) == runtime::CancelOutcome::cancelled);  // once more: the same
  const auto done = harness.outcome(id, 2s);
  CHECK(done.ack.state == CommandState::cancelled);
  CHECK(done.result.out.head == "begun\n");
  CHECK(done.result.killed_processes == 3);
  CHECK(harness.handler->cancel(id) == runtime::CancelOutcome::unknown);
  CHECK(processes_with_text("63.9").empty());
}

TEST_CASE("shellcommand: at the agent's end running commands are interrupted, queued ones left") {
  auto harness = std::make_unique<Harness>();
  const auto running = harness->send(shell_json("echo so far; sleep 64.1"));
  const auto queued = harness->send(shell_json("echo for the next agent"));
  harness->run_for(100ms);
  bool stopped = false;
  harness->handler->stop([&stopped] { stopped = true; });
  REQUIRE(harness->until([&stopped] { return stopped; }, 7s));
  const auto first = harness->outcome(running);
  CHECK(first.ack.state == CommandState::interrupted);
  CHECK(first.ack.code == "agent_stopped");
  CHECK(first.result.out.head == "so far\n");
  CHECK(harness->terminal(queued) == nullptr);
  CHECK(harness->terminal(harness->send(shell_json("true")))->code == "agent_stopped");
  CHECK(processes_with_text("64.1").empty());
}

TEST_CASE("shellcommand: nothing of a command runs before its beginning is on disk") {
  Harness harness;
  harness.recorder.begins_late = true;
  const auto mark = (harness.folder / "ran").string();
  const auto checked =
      harness.send(shell_json("true", R"("unless_argv":["touch",")" + mark + R"("])"));
  const auto gone = harness.send(shell_json("echo never"));
  harness.run_for(50ms);
  CHECK(harness.find(checked, CommandState::running) == nullptr);
  CHECK(!std::filesystem::exists(mark));
  REQUIRE(harness.recorder.beginning.size() == 1);
  harness.recorder.beginning.front()();
  CHECK(harness.outcome(checked).ack.state == CommandState::done);
  CHECK(std::filesystem::exists(mark));

  REQUIRE(harness.recorder.beginning.size() == 2);
  CHECK(harness.handler->cancel(gone) == runtime::CancelOutcome::cancelled);
  harness.recorder.beginning.back()();
  CHECK(harness.outcome(gone).ack.state == CommandState::cancelled);
  CHECK(harness.find(gone, CommandState::running) == nullptr);

  const auto late = harness.send(shell_json("echo never"), harness.clock.now() + 10min);
  harness.clock.ahead = 11min;
  harness.recorder.beginning.back()();
  CHECK(harness.outcome(late).ack.state == CommandState::expired);
}

TEST_CASE("shellcommand: an expected line is said, or ends the command; so does its absence") {
  Harness harness;
  const auto seen = harness.run(
      shell_json("echo starting; echo ready to serve; echo on", R"("expect":{"regex":"^ready"})"));
  CHECK(seen.ack.state == CommandState::done);
  REQUIRE(harness.told(seen.id, wire::ShellEventType::expect_match));

  const auto ended = harness.run(
      shell_json("printf 'login: '; sleep 65.2", R"("expect":{"regex":"login:","action":"kill"})"));
  CHECK(ended.ack.state == CommandState::done);
  CHECK(ended.result.signal == "TERM");
  CHECK(ended.took < 2s);

  const auto missed =
      harness.run(shell_json("sleep 0.4", R"("expect":{"regex":"never","within_ms":100})"));
  CHECK(missed.ack.state == CommandState::done);
  CHECK(harness.told(missed.id, wire::ShellEventType::expect_timeout));
  CHECK(!harness.told(missed.id, wire::ShellEventType::expect_match));

  const auto late = harness.run(
      shell_json("sleep 65.2", R"("expect":{"regex":"never","within_ms":100,"action":"kill"})"));
  CHECK(late.ack.state == CommandState::failed);
  CHECK(late.ack.code == "timed_out");
}

TEST_CASE("shellcommand: a silent command is said to stall, once a silence") {
  Harness harness;
  const auto done = harness.run(shell_json("echo a; sleep 0.5; echo b", R"("stall_ms":100)"));
  CHECK(done.ack.state == CommandState::done);
  const auto count = std::count_if(
      harness.recorder.events.begin(), harness.recorder.events.end(), [](const auto& event) {
        return event.type == wire::ShellEventType::stall;
      });
  CHECK(count == 1);
}

TEST_CASE("shellcommand: what a killed agent has left running is ended by the next one") {
  Harness harness;
  const auto id = harness.clock.new_id();
  const std::string start = "STEWARD_JOB=" + id.str() +
                            " sh -c 'sleep 100 & setsid env -i sleep 100 & sleep 100' "
                            ">/dev/null 2>&1 </dev/null &";
  REQUIRE(std::system(start.c_str()) == 0);  // by nobody whom the handler knows
  REQUIRE(harness.until([&] { return processes_of(id).size() == 3; }));
  harness.take_up(id, shell_json("sleep 100"));
  CHECK(harness.until([&] { return processes_of(id).empty(); }));
}

}  // namespace steward::handlers::shellcommand::end_test
