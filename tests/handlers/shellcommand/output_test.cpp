// What becomes of a command's output and input.

#include "tests/handlers/shellcommand/harness.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace steward::handlers::shellcommand::output_test {
namespace {

using wire::CommandState;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kManyMegabytes = 300;
constexpr bool kSanitized = true;
#else
constexpr std::uint64_t kManyMegabytes = 4'000;
constexpr bool kSanitized = false;
#endif

constexpr std::uint64_t kMega = 1024 * 1024;

}  // namespace

TEST_CASE("shellcommand: gigabytes without a newline are drained in bounded memory") {
  Harness harness;
  harness.run(shell_json("head -c 4000000 /dev/zero"));  // what a large result needs once
  harness.run_for(50ms);
  const std::size_t before = resident_bytes();
  std::size_t most = before;
  const auto id = harness.send(R"({"argv":["dd","if=/dev/zero","bs=1M","status=none","count=)" +
                               std::to_string(kManyMegabytes) + R"("],"timeout_ms":120000})");
  REQUIRE(harness.until(
      [&] {
        const bool over = harness.terminal(id) != nullptr;
        most = over ? most : std::max(most, resident_bytes());
        return over;
      },
      120s));
  const auto done = harness.outcome(id);
  CHECK(done.ack.state == CommandState::done);
  CHECK(done.result.out.total_bytes == kManyMegabytes * kMega);
  CHECK(done.result.out.truncated);
  CHECK(done.result.out.sha256.size() == 64);
  CHECK(std::count(done.result.out.tail.begin(), done.result.out.tail.end(), '\0') > 10'000);
  const double seconds = std::chrono::duration<double>(done.result.duration).count();
  MESSAGE("drained " << static_cast<double>(kManyMegabytes) / seconds << " MB/s, RSS grew by "
                     << static_cast<double>(most - before) / 1024 << " KiB");
  if (!kSanitized) {
    CHECK(most - before <= kMega);
  }
}

TEST_CASE(
    "shellcommand: of endless text the first and the last lines are kept, sum and digest are of "
    "all") {
  Harness harness;
  const auto done =
      harness.run(shell_json("yes 'gr\xc3\xbc\xc3\x9f dich' | head -c 30000000; echo; echo last"));
  CHECK(done.ack.state == CommandState::done);
  CHECK(done.result.out.total_bytes == 30'000'006);
  CHECK(done.result.out.truncated);
  CHECK(done.result.out.head.starts_with("gr\xc3\xbc\xc3\x9f dich\n"));
  CHECK(done.result.out.tail.ends_with("\nlast\n"));
  CHECK(done.result.out.head.size() + done.result.out.tail.size() > 400'000);
  // Text stays text: no half character where it was cut.
  CHECK(done.ack.result.find("head_b64") == std::string::npos);
  CHECK(done.ack.result.find("tail_b64") == std::string::npos);
}

TEST_CASE("shellcommand: the digest is that of all bytes") {
  Harness harness;
  const auto done = harness.run(
      shell_json("head -c 3000000 /dev/urandom > $F; cat $F; sha256sum < $F | cut -d' ' -f1 >&2",
                 R"("env":{"F":")" + (harness.folder / "random").string() + "\"}"));
  CHECK(done.result.out.total_bytes == 3'000'000);
  CHECK(done.result.err.head == done.result.out.sha256 + "\n");
  CHECK(done.ack.result.find("head_b64") != std::string::npos);
}

TEST_CASE("shellcommand: keep and max_bytes say what is kept; both streams share it") {
  Harness harness;
  const auto kept = [&harness](const std::string& options) {
    return harness.run(shell_json("seq 1 9 | tr -d '\\n'", "\"output\":{" + options + "}"))
        .result.out;
  };
  CHECK(kept(R"("max_bytes":4)").head == "12");
  CHECK(kept(R"("max_bytes":4)").tail == "89");
  CHECK(kept(R"("max_bytes":4,"keep":"head")").head == "1234");
  CHECK(kept(R"("max_bytes":4,"keep":"tail")").tail == "6789");
  CHECK(kept(R"("max_bytes":9)").head == "123456789");
  CHECK(!kept(R"("max_bytes":9,"keep":"tail")").truncated);
  CHECK(kept(R"("mode":"none")").head.empty());
  CHECK(kept(R"("mode":"none")").total_bytes == 9);
  const auto merged =
      harness.run(shell_json("echo a; echo b >&2; echo c", R"("output":{"merge":true})"));
  CHECK(merged.result.out.head == "a\nb\nc\n");
  CHECK(merged.result.err.total_bytes == 0);
}

TEST_CASE("shellcommand: standard input is empty, what was given, or what comes later") {
  Harness harness;
  const auto nothing = harness.run(R"({"argv":["cat"]})");
  CHECK(nothing.ack.state == CommandState::done);
  CHECK(nothing.took < 1s);
  CHECK(nothing.result.out.total_bytes == 0);
  CHECK(harness.run(R"({"argv":["cat"],"stdin":{"text":"some text"}})").result.out.head ==
        "some text");
  CHECK(harness.run(R"({"argv":["wc","-c"],"stdin":{"text":")" + std::string(200'000, 'x') + "\"}}")
            .result.out.head == "200000\n");
  // One who does not read it does no harm.
  CHECK(harness.run(R"({"argv":["true"],"stdin":{"text":")" + std::string(200'000, 'x') + "\"}}")
            .ack.state == CommandState::done);
}

TEST_CASE("shellcommand: with a pty the command has a terminal of the size asked for") {
  Harness harness;
  CHECK(harness.run(shell_json("tty -s")).ack.state == CommandState::failed);
  const auto done =
      harness.run(shell_json("tty -s && stty size && echo err >&2 && ps -o tty= -p $$ | tr -d ' '",
                             R"("pty":{"cols":101,"rows":33})"));
  CHECK(done.ack.state == CommandState::done);
  CHECK(done.result.out.head.starts_with("33 101\r\nerr\r\npts/"));
  CHECK(!done.result.pipe_held);
  const auto typed = harness.run(R"({"argv":["cat"],"pty":{},"stdin":{"text":"typed\n"}})");
  CHECK(typed.ack.state == CommandState::done);
  CHECK(typed.result.out.head.ends_with("typed\r\ntyped\r\n"));
}

}  // namespace steward::handlers::shellcommand::output_test
