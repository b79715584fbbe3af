#include "tests/handlers/runtime/intake_room.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <thread>

namespace steward::tests {
namespace {

using Words = std::vector<std::string>;

// Answers when it is told to, like a ledger whose commit takes a while.
class LateLedger final : public bus::Ledger {
 public:
  explicit LateLedger(std::unique_ptr<bus::Ledger> inner) : inner_(std::move(inner)) {}

  void accept(const bus::Opened& command, std::function<void(Result<Entry>)> then) override {
    inner_->accept(command, [this, then = std::move(then)](Result<Entry> entry) {
      waiting.emplace_back([then, entry] { then(entry); });
    });
  }

  void record(const wire::Ack& ack) override { inner_->record(ack); }

  Result<void> cancel_ahead(const wire::MessageId& id, wire::Timestamp expires) override {
    return inner_->cancel_ahead(id, expires);
  }

  std::optional<std::string> recorded(const wire::MessageId& id) const override {
    return inner_->recorded(id);
  }

  std::size_t open() const override { return inner_->open(); }

  std::deque<std::function<void()>> waiting;

 private:
  std::unique_ptr<bus::Ledger> inner_;
};

}  // namespace

TEST_CASE("intake: a cancel reaches the handler and ends done with where it was") {
  Room room;
  room.intake.take(room.house.command(1, "good"));
  room.intake.take(room.house.command(2, room.cancel_of(1)));
  CHECK(room.house.steps(2) == Words{"accepted", "done"});
  CHECK(wire::decode_ack(room.house.said().back().payload)->result == R"({"cancelled":"running"})");
  CHECK(room.worker.received == 1);  // the cancel is the runtime's
}

TEST_CASE("intake: a cancel of what has finished changes nothing and says so") {
  Room room;
  room.intake.take(room.house.command(1, "good"));
  room.intake.step(room.step(1, wire::CommandState::done));
  room.worker.started.clear();
  room.intake.take(room.house.command(2, room.cancel_of(1)));
  CHECK(wire::decode_ack(room.house.said().back().payload)->result ==
        R"({"cancelled":"finished"})");
  room.intake.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"accepted", "done", "done"});
}

TEST_CASE("intake: a command that comes behind its cancel is cancelled on arrival") {
  Room room;
  room.intake.take(room.house.command(2, room.cancel_of(1)));
  CHECK(wire::decode_ack(room.house.said().back().payload)->result == R"({"cancelled":"ahead"})");
  room.intake.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"cancelled"});
  CHECK(room.worker.started.empty());
  room.intake.take(room.house.command(1, "good"));
  CHECK(room.house.steps(1) == Words{"cancelled", "cancelled"});
}

TEST_CASE("intake: a payload that only contains the word cancel goes to the handler") {
  Room room;
  room.intake.take(room.house.command(1, R"({"op":"run","argv":["echo","cancel"]})"));
  room.intake.take(room.house.command(2, R"({"op":"cancel","ref":"no id"})"));
  CHECK(room.worker.received == 2);
}

TEST_CASE("intake: what the ledger says later, on another thread, comes back by the loop") {
  Room room;
  LateLedger late(std::move(room.house.ledger));
  runtime::House parts{room.house.node,
                       room.house.bus,
                       room.house.channel,
                       late,
                       room.house.outbox,
                       room.house.clock,
                       room.house.processes,
                       room.house.vitals,
                       room.house.log,
                       "/nonexistent",
                       {}};
  runtime::Intake intake(parts,
                         room.kind,
                         *wire::Token::parse("here"),
                         room.house.loop,
                         room.tally,
                         runtime::Logger(room.house.log, "test"));
  intake.serve(&room.worker);
  intake.take(room.house.command(1, "good"));
  intake.take(room.house.command(1, "good"));  // a copy, while the first is being written
  intake.take(room.house.command(2, "good"));
  CHECK(room.house.said().empty());
  REQUIRE(late.waiting.size() == 2);

  SUBCASE("and then the commands start, in order") {
    std::thread([&late] {
      late.waiting[0]();
      late.waiting[1]();
    }).join();
    CHECK(room.worker.started.empty());
    room.run_loop();
    CHECK(room.worker.started == std::vector{id_of(1), id_of(2)});
    CHECK(room.house.steps(1) == Words{"accepted"});
  }

  SUBCASE("cancelled meanwhile, a command does not start") {
    intake.take(room.house.command(3, room.cancel_of(1)));
    REQUIRE(late.waiting.size() == 3);
    late.waiting[2]();
    late.waiting[0]();
    CHECK(room.house.steps(1) == Words{"accepted", "cancelled"});
    CHECK(room.worker.started.empty());
  }

  SUBCASE("its handler gone meanwhile, a command is interrupted") {
    intake.interrupt_all(ErrorCode::handler_crashed, "why");
    late.waiting[0]();
    CHECK(room.house.steps(1) == Words{"accepted", "interrupted handler_crashed"});
    CHECK(room.worker.started.empty());
  }
}

}  // namespace steward::tests
