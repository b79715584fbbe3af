#pragma once

#include "handlers/runtime/intake.hpp"
#include "tests/handlers/runtime/test_house.hpp"

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
    if (command.payload != "good") {
      return failure(ErrorCode::bad_payload, "not good");
    }
    return runtime::Admission{{"extra"},
                              [this, id = command.envelope.id] { started.push_back(id); }};
  }

  runtime::CancelOutcome cancel(const wire::MessageId& id) override {
    const bool known = std::find(started.begin(), started.end(), id) != started.end();
    return known ? runtime::CancelOutcome::cancelled : runtime::CancelOutcome::unknown;
  }

  int received = 0;
  std::vector<wire::MessageId> started;
};

// An intake, what it needs, and a worker behind it. All on the test's thread.
struct Room {
  explicit Room(bus::Outbox::Limits limits = {}, bool acked = true)
      : house(limits), kind{.method = "work", .acked = acked}, parts(house.house()) {
    intake.serve(&worker);
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
};

}  // namespace steward::tests
