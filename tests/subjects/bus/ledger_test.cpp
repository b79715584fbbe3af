#include "subjects/bus/ledger.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

using steward::ErrorCode;
using steward::bus::Ledger;
using steward::bus::Opened;
using namespace std::chrono_literals;
namespace bus = steward::bus;
namespace wire = steward::wire;

namespace {

wire::MessageId id(std::uint8_t number) { return wire::MessageId::make(1, {number}); }

// A ledger with a clock that the test turns.
struct Fixture {
  wire::Timestamp now{std::chrono::microseconds(1'790'000'000'000'000)};
  std::unique_ptr<Ledger> ledger;

  explicit Fixture(std::size_t capacity = 100)
      : ledger(bus::memory_ledger(capacity, [this] { return now; })) {}

  steward::Result<Ledger::Entry> accept(std::uint8_t number) {
    const auto subject = *wire::Subject::parse("ship1.command.shellcommand.operatingsystem");
    const Opened command{
        wire::make_envelope(id(number), *wire::Source::parse("/station"), subject, now),
        subject,
        "{}"};
    std::optional<steward::Result<Ledger::Entry>> entry;
    ledger->accept(command, [&entry](steward::Result<Ledger::Entry> made) { entry = made; });
    REQUIRE(entry);
    return *entry;
  }

  void record(std::uint8_t number, wire::CommandState state, std::string result = "") {
    wire::Ack ack{id(number), "operatingsystem", state};
    ack.result = std::move(result);
    ledger->record(ack);
  }
};

}  // namespace

TEST_CASE("ledger: a command is fresh once, then repeated with the ACK recorded last") {
  Fixture f;
  const auto first = f.accept(1);
  REQUIRE(first);
  CHECK(first->verdict == Ledger::Verdict::fresh);
  f.record(1, wire::CommandState::accepted);
  f.record(1, wire::CommandState::done, R"({"exit_code":0})");
  const auto second = f.accept(1);
  REQUIRE(second);
  CHECK(second->verdict == Ledger::Verdict::repeated);
  const auto ack = wire::decode_ack(second->recorded_ack);
  REQUIRE(ack);
  CHECK(ack->state == wire::CommandState::done);
  CHECK(ack->result == R"({"exit_code":0})");
}

TEST_CASE("ledger: a step after the terminal one is not recorded") {
  Fixture f;
  REQUIRE(f.accept(1));
  f.record(1, wire::CommandState::failed);
  f.record(1, wire::CommandState::running);
  CHECK(wire::decode_ack(f.accept(1)->recorded_ack)->state == wire::CommandState::failed);
}

TEST_CASE("ledger: a large result is left out of the kept ACK, all else stays") {
  Fixture f;
  REQUIRE(f.accept(1));
  wire::Ack ack{id(1), "operatingsystem", wire::CommandState::failed, "timed_out", "too slow"};
  ack.result = R"({"out":")" + std::string(2000, 'x') + "\"}";
  f.ledger->record(ack);
  const auto kept = f.accept(1)->recorded_ack;
  CHECK(kept.size() <= 1024);
  const auto read = wire::decode_ack(kept);
  REQUIRE(read);
  CHECK(read->result.empty());
  CHECK(read->code == "timed_out");
  CHECK(read->message == "too slow");

  REQUIRE(f.accept(2));
  f.ledger->record(wire::Ack{
      id(2), "operatingsystem", wire::CommandState::failed, "io", std::string(5000, 'y')});
  CHECK(f.accept(2)->recorded_ack.size() <= 1024);
}

TEST_CASE("ledger: open counts what is accepted and not finished") {
  Fixture f;
  REQUIRE(f.accept(1));
  REQUIRE(f.accept(2));
  CHECK(f.ledger->open() == 2);
  f.record(1, wire::CommandState::running);
  CHECK(f.ledger->open() == 2);
  f.record(1, wire::CommandState::done);
  f.record(1, wire::CommandState::done);
  f.record(9, wire::CommandState::done);
  CHECK(f.ledger->open() == 1);
}

TEST_CASE("ledger: a cancel that comes first meets its command, once") {
  Fixture f;
  REQUIRE(f.ledger->cancel_ahead(id(1), f.now + 1h));
  CHECK(!f.ledger->recorded(id(1)));
  const auto entry = f.accept(1);
  REQUIRE(entry);
  CHECK(entry->verdict == Ledger::Verdict::cancelled);
  f.record(1, wire::CommandState::cancelled);
  CHECK(f.ledger->open() == 0);
  const auto again = f.accept(1);
  REQUIRE(again);
  CHECK(again->verdict == Ledger::Verdict::repeated);
  CHECK(wire::decode_ack(again->recorded_ack)->state == wire::CommandState::cancelled);
}

TEST_CASE("ledger: a cancel of a command that is known already changes nothing") {
  Fixture f;
  REQUIRE(f.accept(1));
  REQUIRE(f.ledger->cancel_ahead(id(1), f.now + 1h));
  CHECK(f.accept(1)->verdict == Ledger::Verdict::repeated);
  CHECK(f.ledger->open() == 1);
}

TEST_CASE("ledger: full of live ids it is overloaded, and finished ones leave once expired") {
  Fixture f(2);
  REQUIRE(f.accept(1));
  REQUIRE(f.accept(2));
  f.record(1, wire::CommandState::done);
  CHECK(f.accept(3).error().code == ErrorCode::overloaded);
  CHECK(f.ledger->cancel_ahead(id(4), f.now).error().code == ErrorCode::overloaded);

  f.now += wire::kDefaultExpiry;
  CHECK(!f.accept(3));  // its expiry has come but not passed: the same bytes could still come again
  f.now += 1us;
  CHECK(f.accept(3)->verdict == Ledger::Verdict::fresh);
  CHECK(f.accept(2)->verdict == Ledger::Verdict::repeated);  // unfinished: it stays
  CHECK(!f.accept(5));
}

TEST_CASE("ledger: a recorded ACK can be looked up") {
  Fixture f;
  CHECK(!f.ledger->recorded(id(1)));
  REQUIRE(f.accept(1));
  CHECK(f.ledger->recorded(id(1)) == "");
  f.record(1, wire::CommandState::accepted);
  CHECK(wire::decode_ack(*f.ledger->recorded(id(1)))->state == wire::CommandState::accepted);
}
