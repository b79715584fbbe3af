#include "subjects/bus/ledger.hpp"

#include "tests/subjects/bus/unit_room.hpp"

#include <doctest/doctest.h>

namespace steward::tests::ledger_test {
namespace {

using bus::Ledger;
using namespace std::chrono_literals;
using Words = std::vector<std::string>;

struct Room {
  explicit Room(Ledger::Limits limits = {}) : unit(disk, limits) {}

  Result<bool> cancel_ahead(std::uint8_t number, wire::Timestamp expires) {
    Result<bool> answer = failure(ErrorCode::internal, "no answer");
    unit.ledger.cancel_ahead(id_of(number), expires, [&answer](auto said) { answer = said; });
    unit.settle();
    return answer;
  }

  Result<Ledger::Entry> refuse(std::uint8_t number, const std::string& word) {
    Result<Ledger::Entry> answer = failure(ErrorCode::internal, "no answer");
    bus::CommandRow row{.id = id_of(number),
                        .method = "work",
                        .domain = "here",
                        .expires = unit.now + 1h,
                        .ack = word};
    unit.ledger.refuse(row, unit.event(word), [&answer](auto said) { answer = said; });
    unit.settle();
    return answer;
  }

  // As the next agent finds it.
  std::vector<bus::CommandRow> left() {
    auto rows = disk.unfinished();
    REQUIRE(rows);
    return *rows;
  }

  bus::MemoryStorage disk;
  UnitRoom unit;
};

}  // namespace

TEST_CASE("ledger: a command is fresh once, then repeated with the ACK recorded last") {
  Room room;
  REQUIRE(room.unit.accept(1));
  CHECK(room.unit.said() == Words{"accepted"});
  room.unit.step(1, wire::CommandState::done);
  const auto second = room.unit.accept(1);
  REQUIRE(second);
  CHECK(second->verdict == Ledger::Verdict::repeated);
  CHECK(second->method == "work");
  CHECK(wire::decode_ack(second->recorded_ack)->state == wire::CommandState::done);
  CHECK(room.unit.said() == Words{"accepted", "done"});
}

TEST_CASE("ledger: a command that comes twice in one group is fresh once") {
  Room room;
  const auto first = room.unit.ask(1);
  const auto second = room.unit.ask(1);
  room.unit.settle();
  CHECK((*first)->value().verdict == Ledger::Verdict::fresh);
  CHECK((*second)->value().verdict == Ledger::Verdict::repeated);
  CHECK(room.disk.commits() == 1);
  CHECK(room.unit.ledger.open() == 1);
}

TEST_CASE("ledger: a second terminal step is neither recorded nor said, nor one of a stranger") {
  Room room;
  REQUIRE(room.unit.accept(1));
  room.unit.step(1, wire::CommandState::failed);
  room.unit.step(1, wire::CommandState::done);
  room.unit.step(1, wire::CommandState::running);
  room.unit.step(9, wire::CommandState::done);
  CHECK(room.unit.said() == Words{"accepted", "failed"});
  CHECK(wire::decode_ack(room.unit.accept(1)->recorded_ack)->state == wire::CommandState::failed);
  CHECK(room.unit.ledger.open() == 0);
}

TEST_CASE("ledger: a large result is left out of the kept ACK, all else stays") {
  wire::Ack ack{id_of(1), "here", wire::CommandState::failed, "timed_out", "too slow"};
  ack.result = R"({"out":")" + std::string(2000, 'x') + "\"}";
  const auto kept = Ledger::kept_form(ack, wire::encode(ack));
  CHECK(kept.size() <= 1024);
  const auto read = wire::decode_ack(kept);
  REQUIRE(read);
  CHECK(read->result.empty());
  CHECK(read->code == "timed_out");
  CHECK(read->message == "too slow");

  ack.message = std::string(5000, 'y');
  CHECK(Ledger::kept_form(ack, wire::encode(ack)).size() <= 1024);

  ack = {id_of(1), "here", wire::CommandState::done};
  CHECK(Ledger::kept_form(ack, wire::encode(ack)) == wire::encode(ack));
}

TEST_CASE("ledger: open counts what is accepted and not finished, over restarts") {
  Room room;
  REQUIRE(room.unit.accept(1));
  REQUIRE(room.unit.accept(2));
  room.unit.step(1, wire::CommandState::running);
  CHECK(room.unit.ledger.open() == 2);
  room.unit.step(1, wire::CommandState::done);
  CHECK(room.unit.ledger.open() == 1);
  room.disk.crash();
  UnitRoom next(room.disk);
  REQUIRE(next.ledger.load(room.disk));
  CHECK(next.ledger.open() == 1);
  CHECK(next.accept(1)->verdict == Ledger::Verdict::repeated);
}

TEST_CASE("ledger: what is not finished is left with its message, in the order of arrival") {
  Room room;
  REQUIRE(room.unit.accept(9, "nine"));
  REQUIRE(room.unit.accept(3, "three"));
  REQUIRE(room.unit.accept(5, "five"));
  room.unit.step(3, wire::CommandState::done);
  room.unit.ledger.begin(id_of(9), [] {});
  room.unit.settle();
  auto rows = room.left();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].id == id_of(9));
  CHECK(rows[0].stage == bus::CommandStage::started);
  CHECK(rows[0].attempts == 1);
  CHECK(rows[1].stage == bus::CommandStage::accepted);

  std::vector<bus::Unfinished> found;
  room.unit.ledger.messages(rows, [&found](auto messages) { found = std::move(messages); });
  room.unit.settle();
  REQUIRE(found.size() == 2);
  CHECK(found[0].message.payload == "nine");
  CHECK(found[1].message.payload == "five");
  CHECK(!room.disk.message_of(id_of(3))->has_value());  // a finished one needs none
}

TEST_CASE("ledger: a beginning is told once it is on disk") {
  Room room;
  REQUIRE(room.unit.accept(1));
  bool begun = false;
  room.unit.ledger.begin(id_of(1), [&begun] { begun = true; });
  CHECK(!begun);
  room.disk.fail_commits(Error{ErrorCode::io, "broken"});
  room.unit.settle();
  CHECK(!begun);
  room.disk.fail_commits(std::nullopt);
  room.unit.settle();
  CHECK(begun);
  CHECK(room.left().front().attempts == 1);
}

TEST_CASE("ledger: a step and its event are written together or not at all") {
  Room room;
  REQUIRE(room.unit.accept(1));
  room.disk.fail_commits(Error{ErrorCode::no_space, "full"});
  room.unit.step(1, wire::CommandState::done);
  CHECK(room.unit.said() == Words{"accepted"});
  room.disk.crash();  // and with it the agent
  CHECK(room.left().size() == 1);
  std::size_t events = 0;
  REQUIRE(room.disk.visit_events([&events](const auto&) { ++events; }));
  CHECK(events == 1);
}

TEST_CASE("ledger: a cancel that comes first meets its command, once, also after a restart") {
  Room room;
  CHECK(room.cancel_ahead(1, room.unit.now + 1h) == true);
  CHECK(room.cancel_ahead(1, room.unit.now + 1h) == true);
  UnitRoom next(room.disk);
  CHECK(next.accept(1)->verdict == Ledger::Verdict::cancelled);
  CHECK(next.said() == Words{"cancelled"});
  CHECK(next.ledger.open() == 0);
  CHECK(next.accept(1)->verdict == Ledger::Verdict::repeated);
  CHECK(room.left().empty());
}

TEST_CASE("ledger: a cancel of a command that is known already changes nothing") {
  Room room;
  REQUIRE(room.unit.accept(1));
  CHECK(room.cancel_ahead(1, room.unit.now + 1h) == false);
  CHECK(room.unit.accept(1)->verdict == Ledger::Verdict::repeated);
  CHECK(room.unit.ledger.open() == 1);
}

TEST_CASE("ledger: a refusal stands, also after a restart, and does not end what was accepted") {
  Room room;
  CHECK(room.refuse(1, "no")->verdict == Ledger::Verdict::fresh);
  CHECK(room.refuse(1, "never")->recorded_ack == "no");
  REQUIRE(room.unit.accept(2));
  CHECK(room.refuse(2, "no")->verdict == Ledger::Verdict::repeated);
  CHECK(room.unit.said() == Words{"no", "accepted"});
  UnitRoom next(room.disk);
  CHECK(next.accept(1)->recorded_ack == "no");
}

TEST_CASE("ledger: without room it is overloaded, for commands and cancels, not for steps") {
  Room room({.bytes = 1'500});
  REQUIRE(room.unit.accept(1));
  CHECK(room.unit.accept(2, std::string(2'000, 'x')).error().code == ErrorCode::overloaded);
  room.unit.step(1, wire::CommandState::running);
  room.unit.step(1, wire::CommandState::running);
  room.unit.step(1, wire::CommandState::running);
  CHECK(room.unit.accept(3).error().code == ErrorCode::overloaded);
  CHECK(room.cancel_ahead(4, room.unit.now).error().code == ErrorCode::overloaded);
  room.unit.step(1, wire::CommandState::done);
  CHECK(room.unit.said().back() == "done");
}

TEST_CASE("ledger: the room of one group is counted as it fills") {
  Room room({.bytes = 10'000});
  const auto first = room.unit.ask(1, std::string(6'000, 'x'));
  const auto second = room.unit.ask(2, std::string(6'000, 'x'));
  room.unit.settle();
  CHECK((*first)->has_value());
  CHECK((*second)->error().code == ErrorCode::overloaded);
}

TEST_CASE("ledger: the events of one group are counted, too") {
  Room room({.bytes = 10'000});
  REQUIRE(room.unit.accept(1));
  const std::string result(9'000, 'x');
  room.unit.ledger.step(id_of(1), wire::CommandState::done, "done", room.unit.event(result));
  const auto second = room.unit.ask(2, std::string(1'000, 'x'));
  room.unit.settle();
  CHECK(room.unit.said().back() == result);
  CHECK((*second)->error().code == ErrorCode::overloaded);
}

TEST_CASE("ledger: finished ones are forgotten an hour after they have expired, not before") {
  Room room;
  REQUIRE(room.unit.accept(1));
  REQUIRE(room.unit.accept(2));
  CHECK(room.cancel_ahead(3, room.unit.now + 1h) == true);
  room.unit.step(1, wire::CommandState::done);
  const auto prune = [&room](int looks) {
    for (int look = 0; look < looks; ++look) {
      room.unit.ledger.prune(room.unit.now, room.unit.steady);
      room.unit.settle();
    }
  };
  room.unit.now += 2h;
  room.unit.steady += 2h;
  prune(60);
  CHECK(room.disk.find(id_of(1))->has_value());  // the same bytes could still come, and be answered
  room.unit.now += 1us;
  room.unit.steady += 1us;
  prune(1);
  CHECK(!room.disk.find(id_of(1))->has_value());
  CHECK(room.disk.find(id_of(2))->has_value());  // not finished
  CHECK(!room.disk.find(id_of(3))->has_value());
}

TEST_CASE("ledger: a clock that jumps ahead for a while makes it forget nothing") {
  Room room;
  REQUIRE(room.unit.accept(1));
  room.unit.step(1, wire::CommandState::done);
  room.unit.ledger.prune(room.unit.now, room.unit.steady);
  for (int minute = 1; minute < 60; ++minute) {
    room.unit.ledger.prune(room.unit.now + 24h * 365, room.unit.steady + minute * 1min);
  }
  room.unit.settle();
  CHECK(room.disk.find(id_of(1))->has_value());
  room.unit.ledger.prune(room.unit.now + 24h * 365, room.unit.steady + 60min);
  room.unit.settle();
  CHECK(!room.disk.find(id_of(1))->has_value());
}

TEST_CASE("ledger: a clock that is wrong from the start makes it forget nothing for an hour") {
  Room room;
  REQUIRE(room.unit.accept(1));
  room.unit.step(1, wire::CommandState::done);
  for (int minute = 0; minute < 59; ++minute) {
    room.unit.ledger.prune(room.unit.now + 24h * 365, room.unit.steady + minute * 1min);
  }
  room.unit.settle();
  CHECK(room.disk.find(id_of(1))->has_value());
}

TEST_CASE("ledger: a copy of a known command gets its ACK also while the disk takes nothing") {
  Room room;
  REQUIRE(room.unit.accept(1));
  room.unit.step(1, wire::CommandState::done);
  room.disk.fail_commits(Error{ErrorCode::no_space, "full"});
  const auto known = room.unit.ask(1);
  const auto stranger = room.unit.ask(2);
  std::optional<Result<Ledger::Entry>> expired;
  room.unit.ledger.refuse({.id = id_of(1),
                           .method = "work",
                           .domain = "here",
                           .expires = room.unit.now,
                           .ack = "expired"},
                          room.unit.event("expired"),
                          [&expired](Result<Ledger::Entry> entry) { expired = std::move(entry); });
  CHECK(room.unit.settle() == bus::Journal::Outcome::failed);
  for (const auto* answer : {&*known, &expired}) {
    REQUIRE(answer->has_value());
    REQUIRE(**answer);
    CHECK((**answer)->verdict == Ledger::Verdict::repeated);
    CHECK(wire::decode_ack((**answer)->recorded_ack)->state == wire::CommandState::done);
  }
  REQUIRE(stranger->has_value());
  REQUIRE_FALSE(**stranger);
  CHECK((*stranger)->error().code == ErrorCode::no_space);
}

}  // namespace steward::tests::ledger_test
