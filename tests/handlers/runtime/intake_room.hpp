#pragma once

#include "handlers/runtime/intake.hpp"
#include "tests/handlers/runtime/test_house.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

namespace steward::tests {

// Takes what says "good", and keeps it until told how it ends.
class Worker final : public runtime::Handler {
 public:
  Result<runtime::Admission> receive(const runtime::Command& command) override {
    ++received;
    if (command.payload == "throw") {
      throw std::runtime_error("receive");
    }
    if (command.payload != "good" || refuses) {
      return failure(ErrorCode::bad_payload, "not good");
    }
    runtime::Admission admission{{"extra"}, [this, id = command.envelope.id] {
                                   if (throws_at == id) {
                                     throw std::runtime_error("start");
                                   }
                                   started.push_back(id);
                                 }};
    admission.repeatable = repeatable;
    admission.begins_itself = begins_itself;
    return admission;
  }

  runtime::CancelOutcome cancel(const wire::MessageId& id) override {
    const bool known = std::find(started.begin(), started.end(), id) != started.end();
    return known ? runtime::CancelOutcome::cancelled : runtime::CancelOutcome::unknown;
  }

  bool repeatable = false;
  bool begins_itself = false;
  bool refuses = false;
  std::optional<wire::MessageId> throws_at;
  int received = 0;
  std::vector<wire::MessageId> started;
};

// An intake, what it needs, and a worker behind it. All on the test's thread.
struct Room {
  explicit Room(bus::Ledger::Limits limits = {}, bool acked = true, bus::MemoryStorage disk = {})
      : house(limits, std::move(disk)),
        kind{.method = "work", .acked = acked},
        parts(house.house()) {
    intake.serve(&worker);
  }

  // What the intake does, and the write of it.
  void take(bus::Message&& message) {
    intake.take(std::move(message));
    house.settle();
  }

  void overflowed(const runtime::Overflow& overflow) {
    intake.overflowed(overflow);
    house.settle();
  }

  void say(const wire::Ack& ack) {
    intake.step(ack);
    house.settle();
  }

  // A later agent with the disk of this one, which has just died.
  bus::MemoryStorage disk_after_crash() const {
    auto disk = house.storage;
    disk.crash();
    return disk;
  }

  // What the agent does at its start.
  void resume() {
    REQUIRE(house.outbox.load(house.storage, house.clock.now(), house.clock.steady()));
    auto rows = house.ledger.load(house.storage);
    REQUIRE(rows);
    intake.left(*std::move(rows));
    intake.resume([this] { resumed = true; });
    house.settle();
  }

  // Lets the loop run what was posted to it.
  void run_loop() {
    house.loop.post([this] { house.loop.stop(); });
    house.loop.run();
  }

  wire::Ack step(int command, wire::CommandState state) const {
    return {.ref = id_of(command), .domain = "", .state = state};
  }

  std::string cancel_of(int command) const {
    return R"({"op":"cancel","ref":")" + id_of(command).str() + R"("})";
  }

  const Watchdog watchdog;
  TestHouse house;
  const runtime::HandlerKind kind;
  runtime::Tally tally;
  runtime::House parts;
  runtime::Intake intake{parts,
                         kind,
                         *wire::Token::parse("here"),
                         house.loop,
                         tally,
                         runtime::Logger(house.log, "test")};
  Worker worker;
  bool resumed = false;
};

}  // namespace steward::tests
