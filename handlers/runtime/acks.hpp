#pragma once

#include "handlers/runtime/host.hpp"

#include <optional>
#include <string>

namespace steward::runtime {

// Says the steps of commands of one method, on <node>.event.ack.<method>: first in the ledger, then
// in the outbox, then on the bus. What the bus does not take now goes out with the outbox again.
// Any thread.
class Acks {
 public:
  using Job = std::optional<wire::MessageId>;

  // The house must outlive it.
  Acks(const House& house, const wire::Token& method);

  // A step of a command that the ledger has accepted. A result too large for a message is left out,
  // and its place says so.
  void say(wire::Ack ack, const Job& job) const;

  // The last word on a command that is not in the ledger: `refused` (or `expired`) with the error.
  // Returns what was said.
  std::string refuse(const wire::MessageId& ref,
                     const wire::Token& domain,
                     const Error& error,
                     const Job& job) const;

  // An ACK that was said before, once more.
  void repeat(const wire::MessageId& ref, std::string payload, const Job& job) const;

 private:
  const House& house_;
  const wire::Subject subject_;
};

// Records an event: the outbox keeps it until the station has it. Any thread.
void record_event(const House& house, wire::Envelope envelope, std::string payload);

}  // namespace steward::runtime
