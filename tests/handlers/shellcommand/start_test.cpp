// How a command comes to run: program, user, environment, conditions.

#include "tests/handlers/shellcommand/harness.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace steward::handlers::shellcommand::start_test {
namespace {

using wire::CommandState;

bool is_root() { return geteuid() == 0; }

std::string script_file(const Harness& harness, const std::string& text, mode_t mode) {
  const std::string path = harness.folder / "script";
  std::ofstream(path) << text;
  REQUIRE(chmod(path.c_str(), mode) == 0);
  return path;
}

}  // namespace

TEST_CASE("shellcommand: a program's output, exit code and figures are its result") {
  Harness harness;
  const auto done = harness.run(R"({"argv":["sh","-c","echo out; echo err >&2; exit 0"]})");
  CHECK(done.ack.state == CommandState::done);
  CHECK(done.ack.code.empty());
  CHECK(done.result.exit_code == 0);
  CHECK(done.result.out.head == "out\n");
  CHECK(done.result.err.head == "err\n");
  CHECK(done.result.out.total_bytes == 4);
  CHECK(done.result.out.sha256 ==
        "54034ac5c6e9ea95734ec2b729fd6d62abf64af34a9f9ce5d466cb788191a73d");
  CHECK(done.result.max_rss_bytes > 0);
  const auto* running = harness.find(done.id, CommandState::running);
  REQUIRE(running != nullptr);
  CHECK(running->pid.value_or(0) > 0);
}

TEST_CASE("shellcommand: exit codes decide between done and failed, ok_codes says which are good") {
  Harness harness;
  CHECK(harness.run(shell_json("exit 3")).ack.state == CommandState::failed);
  CHECK(harness.run(shell_json("exit 3")).result.exit_code == 3);
  CHECK(harness.run(shell_json("exit 3", R"("ok_codes":[0,3])")).ack.state == CommandState::done);
  CHECK(harness.run(shell_json("exit 0", R"("ok_codes":[3])")).ack.state == CommandState::failed);
  const auto killed = harness.run(shell_json("kill -SEGV $$"));
  CHECK(killed.ack.state == CommandState::failed);
  CHECK(killed.result.signal == "SEGV");
  CHECK(!killed.result.exit_code);
  // 127 from the program itself is an exit code like any other.
  const auto own127 = harness.run(shell_json("exit 127"));
  CHECK(own127.result.exit_code == 127);
  CHECK(own127.ack.code.empty());
}

TEST_CASE(
    "shellcommand: a program that cannot be executed is exec_failed at once, with the reason") {
  Harness harness;
  const std::string not_executable = script_file(harness, "#!/bin/sh\n", 0644);
  const auto expect = [&harness](const std::string& program, const std::string& why) {
    const auto done = harness.run(R"({"argv":[")" + program + R"("]})");
    CHECK(done.ack.state == CommandState::failed);
    CHECK(done.ack.code == "exec_failed");
    CHECK_MESSAGE(done.ack.message.find(why) != std::string::npos, done.ack.message);
    CHECK(!done.result.exit_code);
    CHECK(done.took < 500ms);
  };
  expect("/no/such/program", "ENOENT");
  expect("no-such-program-in-path", "ENOENT");
  expect(not_executable, "EACCES");
  expect("/tmp", "EACCES");
  expect(script_file(harness, "no interpreter line", 0755), "ENOEXEC");
  expect(script_file(harness, "#!/no/such/interpreter\n", 0755), "ENOENT");
}

TEST_CASE(
    "shellcommand: a working directory or user that is not there fails before anything runs") {
  Harness harness;
  const auto directory = harness.run(shell_json("echo ran", R"("cwd":"/no/such/place")"));
  CHECK(directory.ack.code == "exec_failed");
  CHECK(directory.ack.message.find("enter directory /no/such/place") != std::string::npos);
  CHECK(directory.result.out.total_bytes == 0);
  const auto user = harness.run(shell_json("echo ran", R"("user":"nobody-has-this-name")"));
  CHECK(user.ack.state == CommandState::failed);
  CHECK(user.ack.code == "no_such_user");
  CHECK(harness.run(shell_json("id", R"("group":"nobody-has-this-group")")).ack.code ==
        "no_such_user");
  CHECK(harness.run(shell_json("pwd", R"("cwd":"/usr")")).result.out.head == "/usr\n");
}

TEST_CASE("shellcommand: the environment is clean unless it is asked to be inherited") {
  Harness harness;
  setenv("STEWARD_TEST_SECRET", "of the agent", 1);
  const auto clean = harness.run(R"({"argv":["env"],"env":{"MINE":"a b"}})");
  unsetenv("STEWARD_TEST_SECRET");
  const std::string& text = clean.result.out.head;
  for (const auto* name : {"PATH=", "HOME=", "USER=", "LOGNAME=", "LANG=C.UTF-8\n", "MINE=a b\n"}) {
    CHECK_MESSAGE(text.find(name) != std::string::npos, name);
  }
  CHECK(text.find("STEWARD_JOB=" + clean.id.str()) != std::string::npos);
  CHECK(text.find("STEWARD_TEST_SECRET") == std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 7);

  setenv("STEWARD_TEST_SECRET", "of the agent", 1);
  {
    Harness inheriting;
    const auto inherited =
        inheriting.run(R"({"argv":["env"],"env_mode":"inherit","env":{"HOME":"/mine"}})");
    CHECK(inherited.result.out.head.find("STEWARD_TEST_SECRET=of the agent") != std::string::npos);
    CHECK(inherited.result.out.head.find("HOME=/mine\n") != std::string::npos);
  }
  unsetenv("STEWARD_TEST_SECRET");
}

TEST_CASE("shellcommand: a command runs as its user, with that user's groups and home") {
  if (!is_root()) {
    MESSAGE("needs root: skipped");
    return;
  }
  Harness harness;
  const auto done =
      harness.run(shell_json("id -un; id -ur; id -Gn; echo $HOME $USER", R"("user":"nobody")"));
  CHECK(done.ack.state == CommandState::done);
  CHECK(done.result.out.head == "nobody\n65534\nnogroup\n/nonexistent nobody\n");
  CHECK(harness.run(shell_json("id -un", R"("user":"65534")")).result.out.head == "nobody\n");
  CHECK(harness.run(shell_json("id -gn", R"("user":"nobody","group":"daemon")")).result.out.head ==
        "daemon\n");
  // No way back, and no way into what is root's.
  CHECK(harness.run(shell_json("cat /etc/shadow", R"("user":"nobody")")).ack.state ==
        CommandState::failed);
  CHECK(harness.run(shell_json("pwd", R"("user":"nobody","cwd":"/root")")).ack.code ==
        "exec_failed");
}

TEST_CASE("shellcommand: umask, and no descriptor but three") {
  Harness harness;
  CHECK(harness.run(shell_json("umask", R"("umask":"0027")")).result.out.head == "0027\n");
  // ls has one of its own, for the folder.
  CHECK(harness.run(shell_json("ls /proc/self/fd | tr '\\n' ' '")).result.out.head == "0 1 2 3 ");
  // A signal that the agent ignores is not ignored by the command.
  CHECK(harness.run(shell_json("grep SigIgn /proc/self/status")).result.out.head ==
        "SigIgn:\t0000000000000000\n");
  CHECK(harness.run(shell_json("grep SigBlk /proc/self/status")).result.out.head ==
        "SigBlk:\t0000000000000000\n");
}

TEST_CASE("shellcommand: creates, removes and unless_argv say when there is nothing to do") {
  Harness harness;

  struct Row {
    const char* condition;
    bool runs;
  };

  const Row rows[] = {
      {R"("creates":"/etc/passwd")", false},
      {R"("creates":"/no/such/file")", true},
      {R"("removes":"/no/such/file")", false},
      {R"("removes":"/etc/passwd")", true},
      {R"("unless_argv":["true"])", false},
      {R"("unless_argv":["false"])", true},
      {R"("unless_argv":["sh","-c","kill -9 $$"])", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.condition);
    const auto done = harness.run(shell_json("echo ran", row.condition));
    CHECK(done.ack.state == CommandState::done);
    CHECK(done.result.skipped == !row.runs);
    CHECK(done.result.reason.empty() == row.runs);
    CHECK(done.result.out.head == (row.runs ? "ran\n" : ""));
    CHECK((harness.find(done.id, CommandState::running) != nullptr) == row.runs);
  }
  const auto broken = harness.run(shell_json("echo ran", R"("unless_argv":["/no/such/program"])"));
  CHECK(broken.ack.code == "exec_failed");
  const auto slow = harness.run(shell_json(
      "echo ran", R"("unless_argv":["sh","-c","sleep 60 & sleep 60"],"unless_timeout_ms":100)"));
  CHECK(slow.ack.state == CommandState::failed);
  CHECK(slow.ack.code == "timed_out");
  CHECK(slow.result.out.total_bytes == 0);
}

TEST_CASE("shellcommand: what it does not know is refused or listed") {
  Harness harness;
  CHECK(harness
            .terminal(harness.send(
                R"({"op":"signal","ref":"01ARZ3NDEKTSV4RRFFQ69G5FAV","signal":"NONE"})"))
            ->code == "unsupported");
  CHECK(harness.terminal(harness.send(R"({"argv":[]})"))->code == "bad_payload");
}

TEST_CASE("shellcommand: limits are applied, and which ones were not is said") {
  Harness harness;
  const auto done = harness.run(shell_json(
      "ulimit -n; ulimit -v; nice",
      R"("limits":{"nofile":77,"mem_bytes":1073741824,"nice":5,"cpu_pct":50,"io_weight":10})"));
  CHECK(done.ack.state == CommandState::done);
  CHECK(done.result.out.head == "77\n1048576\n5\n");
  const auto& applied = done.result.limits_applied;
  CHECK(applied.at("nofile") == "rlimit");
  CHECK(applied.at("mem_bytes") == "rlimit");
  CHECK(applied.at("nice") == "rlimit");
  CHECK(applied.at("cpu_pct").starts_with("none: "));
  CHECK(applied.at("io_weight").starts_with("none: "));
  const auto file = harness.run(shell_json(
      "head -c 5000 /dev/zero > \"$F\"; echo $?",
      R"("limits":{"fsize_bytes":1000},"env":{"F":")" + (harness.folder / "big").string() + "\"}"));
  CHECK(std::filesystem::file_size(harness.folder / "big") == 1000);
  CHECK(file.result.out.head != "0\n");
  if (is_root()) {
    CHECK(harness.run(shell_json("true", R"("limits":{"pids":50})"))
              .result.limits_applied.at("pids")
              .starts_with("none: "));
  }
}

}  // namespace steward::handlers::shellcommand::start_test
