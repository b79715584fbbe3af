// Live output: while the command runs, with the link and without.

#include "tests/handlers/shellcommand/harness.hpp"

#include <doctest/doctest.h>

namespace steward::handlers::shellcommand::stream_test {
namespace {

using wire::CommandState;

}  // namespace

TEST_CASE("shellcommand: output is streamed only when it is asked for, by size and by time") {
  Harness harness;
  const auto silent = harness.run(shell_json("echo a"));
  CHECK(harness.streamed(silent.id, 1).chunks == 0);

  const auto both =
      harness.run(shell_json("seq 1 20000; echo err >&2; sleep 0.3; echo end",
                             R"("output":{"mode":"both","chunk_bytes":4096,"flush_ms":50})"));
  const auto out = harness.streamed(both.id, 1);
  CHECK(out.in_order);
  CHECK(out.gaps == 0);
  CHECK(out.bytes == both.result.out.head);
  CHECK(out.bytes.ends_with("\n20000\nend\n"));
  CHECK(out.chunks >= 108'898 / 4096 + 1);  // full ones, the rest by time and the end
  CHECK(out.chunks < 108'898 / 4096 + 20);
  CHECK(harness.streamed(both.id, 2).bytes == "err\n");

  const auto streamed = harness.run(shell_json("echo a", R"("output":{"mode":"stream"})"));
  CHECK(harness.streamed(streamed.id, 1).bytes == "a\n");
  CHECK(streamed.result.out.head.empty());
  CHECK(streamed.result.out.total_bytes == 2);
  CHECK(streamed.result.out.truncated);
}

TEST_CASE("shellcommand: a chunk comes while the command runs") {
  Harness harness;
  const auto id = harness.send(
      shell_json("echo begun; sleep 66.1", R"("output":{"mode":"stream","flush_ms":20})"));
  CHECK(harness.until([&] { return harness.streamed(id, 1).bytes == "begun\n"; }, 2s));
  CHECK(harness.terminal(id) == nullptr);
  harness.handler->cancel(id);
  harness.outcome(id);
}

TEST_CASE("shellcommand: what the link misses waits on disk and comes in order once it is back") {
  Harness harness;
  const auto id = harness.send(shell_json(
      "seq 1 1000; read x; seq 1001 60000; read x; seq 60001 61000",
      R"("stdin":{"open":true},"output":{"mode":"both","chunk_bytes":1000,"flush_ms":20})"));
  const auto go_on = [&] {
    harness.send(R"({"op":"stdin","ref":")" + id.str() + R"(","text":"\n"})");
  };
  REQUIRE(harness.until([&] { return harness.streamed(id, 1).bytes.ends_with("\n1000\n"); }));
  harness.recorder.up = false;
  go_on();
  harness.run_for(200ms);
  CHECK(harness.streamed(id, 1).bytes.ends_with("\n1000\n"));
  harness.recorder.up = true;
  harness.handler->link_up();
  go_on();
  const auto done = harness.outcome(id);
  REQUIRE(harness.until([&] { return harness.streamed(id, 1).bytes.ends_with("\n61000\n"); }));
  const auto all = harness.streamed(id, 1);
  CHECK(all.in_order);
  CHECK(all.gaps == 0);
  CHECK(all.bytes.size() == done.result.out.total_bytes);
}

TEST_CASE("shellcommand: a command that ends without the link is streamed when the link is back") {
  Harness harness;
  harness.recorder.up = false;
  const auto done = harness.run(shell_json("seq 1 5000", R"("output":{"mode":"stream"})"));
  CHECK(done.ack.state == CommandState::done);  // recorded: it waits in the outbox
  CHECK(harness.recorder.events.empty());
  harness.recorder.up = true;
  harness.handler->link_up();
  CHECK(
      harness.until([&] { return harness.streamed(done.id, 1).bytes.ends_with("\n5000\n"); }, 2s));
  CHECK(harness.streamed(done.id, 1).gaps == 0);
}

TEST_CASE("shellcommand: over its quota on disk the middle is dropped, and how much is said") {
  Harness harness;
  harness.recorder.up = false;
  const auto done = harness.run(shell_json(
      "seq 1 100000", R"("output":{"mode":"stream","chunk_bytes":1000,"spool_bytes":100000})"));
  harness.recorder.up = true;
  harness.handler->link_up();
  REQUIRE(harness.until([&] { return harness.streamed(done.id, 1).bytes.ends_with("\n100000\n"); },
                        2s));
  const auto all = harness.streamed(done.id, 1);
  CHECK(all.in_order);
  CHECK(all.bytes.starts_with("1\n2\n3\n"));
  CHECK(all.gaps > 0);
  CHECK(all.gaps + all.bytes.size() == done.result.out.total_bytes);
  CHECK(all.bytes.size() <= 100'000);
  CHECK(all.bytes.size() >= 70'000);
}

}  // namespace steward::handlers::shellcommand::stream_test
