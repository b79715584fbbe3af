// What an agent, or a handler, has left behind.

#include "tests/handlers/runtime/intake_room.hpp"

#include <doctest/doctest.h>

namespace steward::tests::intake_resume_test {
namespace {

using Words = std::vector<std::string>;

// The steps said since that room began.
Words steps(const Room& room, int command) { return room.house.steps(command); }

}  // namespace

TEST_CASE("intake: a lone command is started with its acceptance: one write") {
  Room room;
  room.worker.begins_itself = true;
  room.take(room.house.command(1, "good"));
  CHECK(room.house.storage.commits() == 1);
  bool begun = false;
  room.intake.begin(id_of(1), [&begun] { begun = true; });
  CHECK(begun);

  room.take(room.house.command(2, "good"));  // it has to wait: accepted only
  begun = false;
  room.intake.begin(id_of(2), [&begun] { begun = true; });
  CHECK(!begun);
  room.house.settle();
  CHECK(begun);
}

TEST_CASE("intake: the end of one command and the beginning of the next are one group") {
  Room room;
  room.worker.begins_itself = true;
  room.take(room.house.command(1, "good"));
  room.take(room.house.command(2, "good"));
  const auto commits = room.house.storage.commits();
  room.intake.step(room.step(1, wire::CommandState::done));
  room.intake.begin(id_of(2), [] {});
  room.house.settle();
  CHECK(room.house.storage.commits() == commits + 1);
}

TEST_CASE("intake: a command that ended before its beginning was on disk does not begin") {
  Room room;
  room.worker.begins_itself = true;
  room.take(room.house.command(1, "good"));
  room.take(room.house.command(2, "good"));
  bool begun = false;
  room.intake.begin(id_of(2), [&begun] { begun = true; });
  room.intake.step(room.step(2, wire::CommandState::cancelled));
  room.house.settle();
  CHECK(!begun);
  CHECK(steps(room, 2) == Words{"accepted", "cancelled"});
}

TEST_CASE("intake: after a restart what waited runs in order, what had begun is interrupted") {
  Room before;
  before.worker.begins_itself = true;
  before.take(before.house.command(3, "good"));
  before.take(before.house.command(1, "good"));
  before.take(before.house.command(2, "good"));

  Room room({}, true, before.disk_after_crash());
  room.worker.begins_itself = true;
  room.resume();
  CHECK(room.resumed);
  CHECK(steps(room, 3) == Words{"interrupted agent_stopped"});
  CHECK(room.worker.started == std::vector{id_of(1), id_of(2)});
  CHECK(room.house.ledger.open() == 2);
  room.take(room.house.command(1, "good"));  // sent again by a station that heard nothing
  CHECK(steps(room, 1) == Words{"accepted"});
  CHECK(room.worker.started.size() == 2);
  room.say(room.step(1, wire::CommandState::done));
  CHECK(steps(room, 1) == Words{"accepted", "done"});

  Room third({}, true, room.disk_after_crash());
  third.worker.begins_itself = true;
  third.resume();
  CHECK(third.worker.started == std::vector{id_of(2)});
}

TEST_CASE(
    "intake: what cannot be on disk yet is not there after a restart: it runs when it comes") {
  Room before;
  before.intake.take(before.house.command(1, "good"));  // the agent dies before it is written
  Room room({}, true, before.disk_after_crash());
  room.resume();
  CHECK(room.worker.started.empty());
  room.take(room.house.command(1, "good"));
  CHECK(room.worker.started == std::vector{id_of(1)});
}

TEST_CASE("intake: a repeatable command runs again, three times at the most") {
  auto disk = [] {
    Room first;
    first.worker.repeatable = true;
    first.take(first.house.command(1, "good"));
    return first.disk_after_crash();
  }();
  for (int run = 2; run <= 3; ++run) {
    Room room({}, true, disk);
    room.worker.repeatable = true;
    room.resume();
    CHECK(room.worker.started == std::vector{id_of(1)});
    disk = room.disk_after_crash();
  }
  Room last({}, true, disk);
  last.worker.repeatable = true;
  last.resume();
  CHECK(last.worker.started.empty());
  CHECK(steps(last, 1) == Words{"failed handler_crashed"});
}

TEST_CASE("intake: what expired meanwhile is said to be expired") {
  Room before;
  before.worker.begins_itself = true;
  before.take(before.house.command(1, "good"));
  auto envelope = wire::make_envelope(id_of(2),
                                      *wire::Source::parse("/operator/eva"),
                                      *wire::Subject::parse("ship1.command.work.here"),
                                      before.house.clock.now());
  envelope.expires = before.house.clock.now() + std::chrono::seconds(1);
  before.take(before.house.channel.seal(envelope, "good"));
  Room room({}, true, before.disk_after_crash());
  room.house.clock.pass(std::chrono::seconds(2));
  room.resume();
  CHECK(steps(room, 2) == Words{"expired expired"});
  CHECK(room.worker.started.empty());
}

TEST_CASE("intake: what the handler does not take any more has failed, with its reason") {
  Room before;
  before.worker.begins_itself = true;
  before.take(before.house.command(1, "good"));
  before.take(before.house.command(2, "good"));
  Room room({}, true, before.disk_after_crash());
  room.worker.refuses = true;
  room.resume();
  CHECK(steps(room, 1) == Words{"interrupted agent_stopped"});
  CHECK(steps(room, 2) == Words{"failed bad_payload"});
}

TEST_CASE("intake: a cancel reaches a command that waits for its handler to come back") {
  Room room;
  room.worker.begins_itself = true;
  room.take(room.house.command(1, "good"));
  room.take(room.house.command(2, "good"));
  room.intake.serve(nullptr);
  room.intake.handler_failed("why");
  room.house.settle();
  CHECK(steps(room, 1) == Words{"accepted", "interrupted handler_crashed"});
  CHECK(steps(room, 2) == Words{"accepted"});
  room.take(room.house.command(3, room.cancel_of(2)));
  room.worker.started.clear();
  room.intake.serve(&room.worker);
  room.intake.resume([&room] { room.resumed = true; });
  room.house.settle();
  CHECK(room.resumed);
  CHECK(room.worker.started.empty());
  CHECK(steps(room, 2) == Words{"accepted", "cancelled"});
  CHECK(steps(room, 3) == Words{"accepted", "done"});
}

TEST_CASE("intake: what had not begun outlives its handler, in order") {
  Room room;
  room.worker.begins_itself = true;
  for (int command = 5; command >= 1; --command) {
    room.take(room.house.command(command, "good"));
  }
  room.intake.serve(nullptr);
  room.intake.handler_failed("why");
  room.house.settle();
  room.worker.started.clear();
  room.intake.serve(&room.worker);
  room.intake.resume([] {});
  room.house.settle();
  CHECK(room.worker.started == std::vector{id_of(4), id_of(3), id_of(2), id_of(1)});
}

TEST_CASE("intake: a command that takes its handler down three times is left alone, others run") {
  Room room;
  room.worker.begins_itself = true;
  room.take(room.house.command(1, "good"));  // busy: what comes waits
  room.worker.throws_at = id_of(2);
  CHECK_THROWS(room.take(room.house.command(2, "good")));
  for (int attempt = 2; attempt <= 3; ++attempt) {
    room.intake.serve(nullptr);
    room.intake.handler_failed("why");
    room.intake.serve(&room.worker);
    room.intake.resume([] {});
    CHECK_THROWS(room.house.settle());
  }
  room.intake.serve(nullptr);
  room.intake.handler_failed("why");
  room.intake.serve(&room.worker);
  room.intake.resume([] {});
  room.house.settle();
  CHECK(steps(room, 2) == Words{"accepted", "failed handler_crashed"});
  room.take(room.house.command(3, "good"));
  CHECK(room.worker.started.back() == id_of(3));
}

TEST_CASE("intake: at the agent's end what has begun is interrupted, the rest left to the next") {
  Room room;
  room.worker.begins_itself = true;
  room.take(room.house.command(1, "good"));
  room.take(room.house.command(2, "good"));
  room.intake.agent_stops();
  room.house.settle();
  CHECK(steps(room, 1) == Words{"accepted", "interrupted agent_stopped"});
  CHECK(steps(room, 2) == Words{"accepted"});
  CHECK(room.house.ledger.open() == 1);
}

}  // namespace steward::tests::intake_resume_test
