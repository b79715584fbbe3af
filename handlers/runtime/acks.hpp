#pragma once

#include "handlers/runtime/host.hpp"
#include "subjects/bus/journal.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace steward::runtime {

// Says the steps of commands of one method, on <node>.event.ack.<method>. What is recorded goes
// into the ledger and the outbox in one write, and out once that is on disk; what the bus does not
// take then goes out with the outbox again. Any thread.
class Acks {
 public:
  using Job = std::optional<wire::MessageId>;

  // What it uses of the house must outlive it.
  Acks(const House& house, const wire::Token& method);

  // A step of a command that the ledger has accepted. A result too large for a message is left out,
  // and its place says so.
  void say(wire::Ack ack, const Job& job) const;

  // The event that says a step, for the ledger.
  bus::Event event(const wire::MessageId& ref, std::string payload, const Job& job) const;

  // An ACK that is not recorded, or was before: goes out now, once.
  void say_plainly(const wire::MessageId& ref, std::string payload, const Job& job) const;

 private:
  bus::Bus& bus_;
  const bus::Channel& channel_;
  bus::Ledger& ledger_;
  Clock& clock_;
  const wire::Subject subject_;
};

// The last word on a command that does not run: `refused`, or `expired`.
wire::Ack refusal(const wire::MessageId& ref, const std::string& domain, const Error& error);

// Records an event: the outbox keeps it until the station has it. Any thread.
void record_event(const House& house, wire::Envelope envelope, std::string payload);

}  // namespace steward::runtime
