// What is asked of commands while they run, and afterwards.

#include "tests/handlers/shellcommand/harness.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace steward::handlers::shellcommand::control_test {
namespace {

using nlohmann::json;
using wire::CommandState;

json about(const wire::MessageId& id, const char* op, json fields = json::object()) {
  fields["op"] = op;
  fields["ref"] = id.str();
  return fields;
}

// The result of a control operation that is answered at once.
json ask(Harness& harness, const json& payload) {
  const auto* ack = harness.terminal(harness.send(payload.dump()));
  REQUIRE(ack != nullptr);
  REQUIRE_MESSAGE(ack->state == CommandState::done, ack->message);
  return json::parse(ack->result);
}

std::string refusal(Harness& harness, const json& payload) {
  const auto* ack = harness.terminal(harness.send(payload.dump()));
  REQUIRE(ack != nullptr);
  CHECK(ack->state == CommandState::failed);
  return ack->code;
}

}  // namespace

TEST_CASE("shellcommand: a signal reaches the running command") {
  Harness harness;
  const auto id = harness.send(
      shell_json("trap 'echo got it; exit 5' USR1; echo up; while :; do sleep 0.02; done",
                 R"("output":{"mode":"both","flush_ms":5})"));
  REQUIRE(harness.until([&] { return harness.streamed(id, 1).bytes == "up\n"; }));
  CHECK(ask(harness, about(id, "signal", {{"signal", "USR1"}}))["pid"].get<int>() > 0);
  const auto done = harness.outcome(id);
  CHECK(done.result.exit_code == 5);
  CHECK(done.result.out.head == "up\ngot it\n");
  CHECK(refusal(harness, about(id, "signal", {{"signal", "USR1"}})) == "not_found");
}

TEST_CASE("shellcommand: input comes in pieces until it is closed") {
  Harness harness;
  const auto id = harness.send(
      R"({"argv":["cat"],"stdin":{"text":"one ","open":true},"output":{"mode":"both","flush_ms":5}})");
  REQUIRE(harness.until([&] { return harness.streamed(id, 1).bytes == "one "; }));
  CHECK(ask(harness, about(id, "stdin", {{"text", "two "}}))["bytes"] == 4);
  REQUIRE(harness.until([&] { return harness.streamed(id, 1).bytes == "one two "; }));
  CHECK(ask(harness, about(id, "stdin", {{"text", "three"}, {"close", true}}))["bytes"] == 5);
  CHECK(harness.outcome(id).result.out.head == "one two three");

  const auto closed = harness.send(shell_json("sleep 67.1"));
  CHECK(refusal(harness, about(closed, "stdin", {{"text", "x"}})) == "unsupported");
  CHECK(refusal(harness, about(closed, "resize", {{"cols", 80}, {"rows", 24}})) == "unsupported");
  harness.handler->cancel(closed);
  harness.outcome(closed);
}

TEST_CASE("shellcommand: a terminal can be resized") {
  Harness harness;
  const auto id = harness.send(
      shell_json("stty size; read x; stty size",
                 R"("pty":{"cols":80,"rows":24},"output":{"mode":"both","flush_ms":5})"));
  REQUIRE(harness.until([&] { return harness.streamed(id, 1).bytes == "24 80\r\n"; }));
  ask(harness, about(id, "resize", {{"cols", 132}, {"rows", 50}}));
  ask(harness, about(id, "stdin", {{"text", "\n"}}));
  CHECK(harness.outcome(id).result.out.head.ends_with("50 132\r\n"));
}

TEST_CASE("shellcommand: status and list know what waits, runs and has ended") {
  Harness harness;
  const auto ended = harness.run(shell_json("echo over")).id;
  const auto running =
      harness.send(shell_json("sleep 68.1", R"("env":{"K":"sleep"},"secret_env":["K"])"));
  const auto waiting = harness.send(shell_json("true"));
  const auto third = harness.send(shell_json("true"));
  REQUIRE(harness.until([&] { return harness.find(running, CommandState::running) != nullptr; }));
  const json status = ask(harness, about(running, "status"));
  CHECK(status["state"] == "running");
  CHECK(status["pid"].get<int>() > 0);
  CHECK(status["command"] == "*** 68.1");  // a secret's value is shown nowhere
  CHECK(ask(harness, about(waiting, "status"))["state"] == "queued");
  CHECK(ask(harness, about(third, "status"))["position"] == 2);
  CHECK(ask(harness, about(ended, "status"))["state"] == "done");
  CHECK(refusal(harness, about(harness.clock.new_id(), "status")) == "not_found");
  const json list = ask(harness, {{"op", "list"}})["jobs"];
  CHECK(list.size() == 4);
  CHECK(list.back()["ref"] == ended.str());
  harness.handler->cancel(running);
  harness.outcome(third);
}

TEST_CASE("shellcommand: output of a running and of an ended command can be read by offset") {
  Harness harness;
  const auto id = harness.send(shell_json(
      "seq 1 100000; read x; echo end", R"("stdin":{"open":true},"output":{"max_bytes":100000})"));
  REQUIRE(
      harness.until([&] { return ask(harness, about(id, "status"))["stdout_bytes"] == 588'895; }));
  json piece = ask(harness, about(id, "output", {{"length", 6}}));
  CHECK(piece["data"] == "1\n2\n3\n");
  CHECK(piece["offset"] == 0);
  CHECK(piece["total_bytes"] == 588'895);
  CHECK(piece["running"] == true);
  // From the middle that was not kept on, to what was.
  piece = ask(harness, about(id, "output", {{"offset", 60'000}, {"length", 10}}));
  CHECK(piece["offset"] == 588'895 - 50'000);
  CHECK(piece["gap_bytes"] == 588'895 - 50'000 - 60'000);
  ask(harness, about(id, "stdin", {{"text", "\n"}}));
  harness.outcome(id);
  piece = ask(harness, about(id, "output", {{"offset", 588'895}}));
  CHECK(piece["data"] == "end\n");
  CHECK(piece["running"] == false);
  piece = ask(harness, about(id, "output", {{"offset", 49'990}, {"length", 100}}));
  CHECK(piece["data"].get<std::string>().size() == 10);
  piece = ask(harness, about(id, "output", {{"offset", 50'000}}));
  CHECK(piece["gap_bytes"] == 588'899 - 100'000);
  CHECK(piece["data"].get<std::string>().size() == 50'000);
  CHECK(ask(harness, about(id, "output", {{"offset", 900'000}}))["data"] == "");

  for (int i = 0; i < 32; ++i) {
    harness.run(R"({"argv":["true"]})");
  }
  CHECK(refusal(harness, about(id, "output")) == "not_found");
}

}  // namespace steward::handlers::shellcommand::control_test
