#include "tests/handlers/runtime/intake_room.hpp"

#include <doctest/doctest.h>

namespace steward::tests::intake_test {
namespace {

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("intake: a command is recorded, acknowledged and only then started") {
  Room room;
  room.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"accepted"});
  CHECK(room.worker.started == std::vector{id_of(1)});
  CHECK(room.house.ledger.open() == 1);

  const auto said = room.house.said();
  CHECK(said.front().subject == "ship1.event.ack.work");
  CHECK(said.front().headers.find("ce-ref") == std::string_view(id_of(1).str()));
  CHECK(said.front().headers.find("ce-seq") == std::string_view("1"));
  CHECK(wire::decode_ack(said.front().payload)->domain == "here");
  CHECK(wire::decode_ack(said.front().payload)->ignored == Words{"extra"});

  room.say(room.step(1, wire::CommandState::running));
  room.say(room.step(1, wire::CommandState::done));
  CHECK(room.house.steps(1) == Words{"accepted", "running", "done"});
  CHECK(room.house.ledger.open() == 0);
}

TEST_CASE("intake: a second terminal step is not sent") {
  Room room;
  room.take(room.house.command(1, "good"));
  room.say(room.step(1, wire::CommandState::done));
  room.say(room.step(1, wire::CommandState::failed));
  room.say(room.step(1, wire::CommandState::running));
  CHECK(room.house.steps(1) == Words{"accepted", "done"});
}

TEST_CASE("intake: the job of a command stands on all its ACKs") {
  Room room;
  auto command = room.house.command(1, "good");
  command.headers.add("ce-job", id_of(77).str());
  room.take(std::move(command));
  room.say(room.step(1, wire::CommandState::done));
  auto refused = room.house.command(2, "bad");
  refused.headers.add("ce-job", id_of(77).str());
  room.take(std::move(refused));
  REQUIRE(room.house.said().size() == 3);
  for (const auto& message : room.house.said()) {
    CHECK(message.headers.find("ce-job") == std::string_view(id_of(77).str()));
  }
}

TEST_CASE("intake: the same id again gets its recorded ACK and runs nothing") {
  Room room;
  room.take(room.house.command(1, "good"));
  room.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"accepted", "accepted"});
  room.say(room.step(1, wire::CommandState::done));
  room.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"accepted", "accepted", "done", "done"});
  CHECK(room.worker.started.size() == 1);
  CHECK(room.tally.repeated == 2);
}

TEST_CASE("intake: a bad payload is refused with its reason, and so is its copy") {
  Room room;
  room.take(room.house.command(1, "bad"));
  room.take(room.house.command(1, "bad"));
  CHECK(room.house.steps(1) == Words{"refused bad_payload", "refused bad_payload"});
  CHECK(room.worker.received == 1);
  CHECK(room.house.ledger.open() == 0);
}

TEST_CASE("intake: an expired command is said to be expired, not refused") {
  Room room;
  auto envelope = wire::make_envelope(id_of(1),
                                      *wire::Source::parse("/operator/eva"),
                                      *wire::Subject::parse("ship1.command.work.here"),
                                      room.house.clock.now() - std::chrono::hours(2));
  envelope.expires = room.house.clock.now() - std::chrono::hours(1);
  room.take(room.house.channel.seal(envelope, "good"));
  CHECK(room.house.steps(1) == Words{"expired expired"});
  CHECK(room.worker.received == 0);
}

TEST_CASE("intake: a copy that comes after the expiry of a running command does not end it") {
  Room room;
  room.take(room.house.command(1, "good"));
  auto envelope = wire::make_envelope(id_of(1),
                                      *wire::Source::parse("/operator/eva"),
                                      *wire::Subject::parse("ship1.command.work.here"),
                                      room.house.clock.now() - std::chrono::hours(2));
  envelope.expires = room.house.clock.now() - std::chrono::hours(1);
  room.take(room.house.channel.seal(envelope, "good"));
  room.say(room.step(1, wire::CommandState::done));
  CHECK(room.house.steps(1) == Words{"accepted", "accepted", "done"});
}

TEST_CASE("intake: a payload over 512 KiB is refused as too large") {
  Room room;
  room.take(room.house.command(1, std::string(512 * 1024 + 1, 'x')));
  CHECK(room.house.steps(1) == Words{"refused too_large"});
  CHECK(room.worker.received == 0);
}

TEST_CASE("intake: a result over 512 KiB is left out and its place says so") {
  Room room;
  room.take(room.house.command(1, "good"));
  auto done = room.step(1, wire::CommandState::done);
  done.result = R"({"text":")" + std::string(600'000, 'x') + R"("})";
  const std::string size = std::to_string(done.result.size());
  room.say(done);
  const auto ack = wire::decode_ack(room.house.said().back().payload);
  REQUIRE(ack);
  CHECK(ack->state == wire::CommandState::done);
  CHECK(ack->code == "too_large");
  CHECK(ack->result == R"({"total_bytes":)" + size + R"(,"truncated":true})");
}

TEST_CASE("intake: garbage without an id is counted and answered by nothing") {
  Room room;
  bus::Message garbage{"ship1.command.work.here", {}, "\xff\x00garbage", ""};
  garbage.headers.add("ce-specversion", "7");
  room.take(std::move(garbage));
  CHECK(room.house.said().empty());
  CHECK(room.tally.dropped == 1);
}

TEST_CASE("intake: a plain message without headers is a command") {
  Room room;
  room.take({"ship1.command.work.here", {}, "good", ""});
  CHECK(room.worker.started.size() == 1);
  CHECK(room.house.said().size() == 1);
}

TEST_CASE("intake: a broadcast whose target is somebody else is answered by silence") {
  Room room;
  auto command = room.house.command(1, "good", "@all");
  command.headers.add("ce-target", "ship[2-9]");
  room.take(std::move(command));
  CHECK(room.house.said().empty());
  CHECK(room.worker.received == 0);

  auto meant = room.house.command(2, "good", "@all");
  meant.headers.add("ce-target", "ship[1-9]");
  room.take(std::move(meant));
  CHECK(room.house.steps(2) == Words{"accepted"});
}

TEST_CASE("intake: without a handler commands are refused as unavailable") {
  Room room;
  room.intake.serve(nullptr);
  room.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"refused unavailable"});
}

TEST_CASE("intake: without room it refuses new commands, records no more, and forgets no event") {
  Room room({.bytes = 1'000});
  room.take(room.house.command(1, "good"));
  REQUIRE(room.house.steps(1) == Words{"accepted"});
  for (int i = 0; i < 5; ++i) {
    room.say(room.step(1, wire::CommandState::running));
  }
  const auto depth = room.house.outbox.depth();
  CHECK(depth == 6);
  room.take(room.house.command(2, "good"));
  room.take(room.house.command(2, "good"));
  CHECK(room.house.steps(2) == Words{"refused overloaded", "refused overloaded"});
  CHECK(!room.house.said().back().headers.find("ce-seq"));
  CHECK(room.house.outbox.depth() == depth);
  CHECK(room.worker.started.size() == 1);
  room.say(room.step(1, wire::CommandState::done));
  CHECK(room.house.outbox.depth() == depth + 1);
}

TEST_CASE("intake: a command that found the mailbox full is refused, and runs in no copy") {
  Room room;
  room.overflowed({id_of(1).str(), id_of(7).str()});
  room.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"refused overloaded", "refused overloaded"});
  CHECK(room.worker.received == 0);
  CHECK(room.house.said().front().headers.find("ce-job") == std::string_view(id_of(7).str()));
}

TEST_CASE("intake: a copy of a running command that found the mailbox full does not refuse it") {
  Room room;
  room.take(room.house.command(1, "good"));
  room.overflowed({id_of(1).str(), ""});
  CHECK(room.house.steps(1) == Words{"accepted", "accepted"});
}

TEST_CASE("intake: what found the mailbox full and has no id is dropped") {
  Room room;
  room.overflowed({"", ""});
  CHECK(room.house.said().empty());
  CHECK(room.tally.dropped == 1);
}

TEST_CASE("intake: refusals are remembered up to a bound") {
  Room room;
  for (int i = 1; i <= 1'100; ++i) {
    room.take(room.house.command(i, "bad"));
  }
  room.take(room.house.command(1'100, "bad"));  // remembered
  CHECK(room.worker.received == 1'100);
  room.take(room.house.command(1, "bad"));  // long forgotten: looked at again
  CHECK(room.worker.received == 1'101);
}

TEST_CASE("intake: an exception out of receive refuses that command and leaves") {
  Room room;
  CHECK_THROWS(room.take(room.house.command(1, "throw")));
  room.house.settle();
  CHECK(room.house.steps(1) == Words{"refused handler_crashed"});
}

TEST_CASE("intake: the open commands of a handler that failed are interrupted once") {
  Room room;
  room.take(room.house.command(1, "good"));
  room.take(room.house.command(2, "good"));
  room.say(room.step(2, wire::CommandState::done));
  room.intake.handler_failed("why");
  room.house.settle();
  room.say(room.step(1, wire::CommandState::done));
  CHECK(room.house.steps(1) == Words{"accepted", "interrupted handler_crashed"});
  CHECK(room.house.steps(2) == Words{"accepted", "done"});
}

TEST_CASE("intake: a handler whose commands are not acked runs them without a word") {
  Room room({}, false);
  room.take(room.house.command(1, "good"));
  room.take(room.house.command(1, "good"));
  room.take(room.house.command(2, "bad"));
  CHECK(room.worker.started.size() == 2);
  CHECK(room.house.said().empty());
  CHECK(room.tally.dropped == 1);
}

}  // namespace steward::tests::intake_test
