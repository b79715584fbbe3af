// Whose turn it is: the queue's rule alone, and with commands.

#include "tests/handlers/shellcommand/harness.hpp"

#include <doctest/doctest.h>

namespace steward::handlers::shellcommand::turns_test {
namespace {

using wire::CommandState;
using wire::QueueMode;

const wire::MessageId kA = *wire::MessageId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAA");
const wire::MessageId kB = *wire::MessageId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAB");
const wire::MessageId kC = *wire::MessageId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAC");

}  // namespace

TEST_CASE("turns: serial commands run alone and in order") {
  Turns turns;
  turns.add(kA, QueueMode::serial, 4);
  turns.add(kB, QueueMode::serial, 4);
  CHECK(turns.next() == kA);
  CHECK(!turns.next());
  CHECK(turns.position(kB) == 1);
  turns.remove(kA);
  CHECK(turns.next() == kB);
  turns.remove(kB);
  CHECK(turns.empty());
}

TEST_CASE(
    "turns: parallel commands run beside parallel ones, as many as they say, none overtakes") {
  Turns turns;
  turns.add(kA, QueueMode::parallel, 2);
  turns.add(kB, QueueMode::serial, 2);
  turns.add(kC, QueueMode::parallel, 2);
  CHECK(turns.next() == kA);
  CHECK(!turns.next());  // the serial one waits, and the one behind it, too
  turns.remove(kB);
  CHECK(turns.next() == kC);
  turns.add(kB, QueueMode::parallel, 2);
  CHECK(!turns.next());
  CHECK(turns.all_last_first() == std::vector<wire::MessageId>{kB, kA, kC});
}

TEST_CASE("shellcommand: serial commands wait for each other and say their position") {
  Harness harness;
  const auto first = harness.send(shell_json("sleep 0.2; echo 1"));
  const auto second = harness.send(shell_json("echo 2"));
  const auto third = harness.send(shell_json("echo 3"));
  REQUIRE(harness.find(second, CommandState::queued) != nullptr);
  CHECK(harness.find(second, CommandState::queued)->position == 1);
  CHECK(harness.find(third, CommandState::queued)->position == 2);
  CHECK(harness.find(first, CommandState::queued) == nullptr);
  const auto last = harness.outcome(third);
  CHECK(last.ack.state == CommandState::done);
  CHECK(last.result.queued >= 150ms);
  CHECK(harness.terminal(first) < harness.find(second, CommandState::running));
  CHECK(harness.terminal(second) < harness.find(third, CommandState::running));
}

TEST_CASE("shellcommand: parallel commands run at once, up to max_parallel") {
  Harness harness;
  std::vector<wire::MessageId> ids;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 6; ++i) {
    ids.push_back(harness.send(shell_json("sleep 0.3", R"("queue":"parallel","max_parallel":3)")));
  }
  harness.run_for(100ms);
  int running = 0;
  for (const auto& id : ids) {
    running += harness.find(id, CommandState::running) != nullptr ? 1 : 0;
  }
  CHECK(running == 3);
  for (const auto& id : ids) {
    CHECK(harness.outcome(id).ack.state == CommandState::done);
  }
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took >= 600ms);
  CHECK(took < 1700ms);
}

TEST_CASE("shellcommand: replace ends what runs and waits, reject refuses while something does") {
  Harness harness;
  const auto running = harness.send(shell_json("sleep 69.1"));
  const auto waiting = harness.send(shell_json("echo never"));
  REQUIRE(harness.until([&] { return harness.find(running, CommandState::running) != nullptr; }));
  CHECK(harness.terminal(harness.send(shell_json("true", R"("queue":"reject")")))->code == "busy");
  const auto replacing =
      harness.outcome(harness.send(shell_json("echo new", R"("queue":"replace")")));
  CHECK(replacing.ack.state == CommandState::done);
  CHECK(replacing.result.out.head == "new\n");
  CHECK(harness.terminal(running)->state == CommandState::cancelled);
  CHECK(harness.terminal(waiting)->state == CommandState::cancelled);
  CHECK(harness.find(waiting, CommandState::running) == nullptr);
  CHECK(harness.run(shell_json("true", R"("queue":"reject")")).ack.state == CommandState::done);
}

TEST_CASE("shellcommand: a queued command can be cancelled, and expires in the queue") {
  Harness harness;
  const auto first = harness.send(shell_json("sleep 0.3"));
  const auto cancelled = harness.send(shell_json("echo never"));
  const auto late = harness.send(shell_json("echo never"), harness.clock.now() + 10min);
  const auto last = harness.send(shell_json("echo last"));
  CHECK(harness.handler->cancel(cancelled) == runtime::CancelOutcome::cancelled);
  CHECK(harness.terminal(cancelled)->state == CommandState::cancelled);
  harness.clock.ahead = 11min;
  CHECK(harness.outcome(last).result.out.head == "last\n");
  CHECK(harness.terminal(late)->state == CommandState::expired);
  CHECK(harness.terminal(late)->code == "expired");
  CHECK(harness.terminal(first)->state == CommandState::done);
  CHECK(harness.find(late, CommandState::running) == nullptr);
}

TEST_CASE("shellcommand: more than max_queued are refused as overloaded") {
  Harness harness("max_queued = 2\n");
  const auto running = harness.send(shell_json("sleep 69.2"));
  harness.send(shell_json("true"));
  const auto last = harness.send(shell_json("true"));
  CHECK(harness.terminal(harness.send(shell_json("true")))->code == "overloaded");
  harness.handler->cancel(running);
  CHECK(harness.outcome(last).ack.state == CommandState::done);
}

}  // namespace steward::handlers::shellcommand::turns_test
