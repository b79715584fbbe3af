#pragma once

#include "subjects/bus/message.hpp"
#include "subjects/wire/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace steward::bus {

// How far a command has come on this unit.
enum class CommandStage {
  accepted,         // it may run: nothing of it has begun
  started,          // its effect may have begun
  finished,         // its terminal ACK is recorded, a refusal too
  cancelled_ahead,  // not seen yet: its cancel came first
};

// What a unit knows of one command.
struct CommandRow {
  wire::MessageId id;
  std::string method;
  std::string domain;
  wire::Timestamp expires;  // known for so long at least
  CommandStage stage = CommandStage::accepted;
  int attempts = 0;  // runs begun
  std::string ack;   // payload to answer a copy of the command with

  bool operator==(const CommandRow&) const = default;
};

// A command that is not finished, with all that it takes to run it.
struct Unfinished {
  CommandRow row;
  Message message;
};

// A recorded event that the station has not acknowledged.
struct KeptEvent {
  wire::Position position;
  wire::Timestamp recorded;
  std::size_t bytes = 0;
};

// What a message measures.
inline std::size_t bytes_of(const Message& message) {
  std::size_t bytes = message.subject.size() + message.payload.size();
  for (const auto& [name, value] : message.headers) {
    bytes += name.size() + value.size();
  }
  return bytes;
}

// Where a unit keeps its commands and events. Changes are made between begin() and commit(), and
// are on disk, all of them, once commit() has returned without an error; after an error, or
// rollback(), none is. What is read between them includes them. One thread at a time.
//
// Errors of every function: no_space, io, permission, busy.
class Storage {
 public:
  virtual ~Storage() = default;

  [[nodiscard]] virtual Result<void> begin() = 0;
  [[nodiscard]] virtual Result<void> commit() = 0;
  virtual void rollback() = 0;

  // Commands.
  [[nodiscard]] virtual Result<std::optional<CommandRow>> find(const wire::MessageId& id) = 0;
  // A new one; `message` is kept until it is finished, null for one that is not to run.
  [[nodiscard]] virtual Result<void> add(const CommandRow& row, const Message* message) = 0;
  // Replaces stage, attempts and ack; a finished one's message goes.
  [[nodiscard]] virtual Result<void> change(const CommandRow& row) = 0;
  // Accepted and started ones, in the order in which they were added.
  [[nodiscard]] virtual Result<std::vector<CommandRow>> unfinished() = 0;
  // None where the command is finished or unknown.
  [[nodiscard]] virtual Result<std::optional<Message>> message_of(const wire::MessageId& id) = 0;
  // Drops finished ones and cancels ahead that expired before that time, `most` at the most; how
  // many.
  [[nodiscard]] virtual Result<std::size_t> prune(wire::Timestamp before, std::size_t most) = 0;

  // Events. Numbers of an epoch come in their order.
  [[nodiscard]] virtual Result<void> add_event(const wire::Position& position,
                                               wire::Timestamp recorded,
                                               const Message& message) = 0;
  [[nodiscard]] virtual Result<std::optional<Message>> event(const wire::Position& position) = 0;
  [[nodiscard]] virtual Result<void> erase_events(const wire::MessageId& epoch,
                                                  std::uint64_t upto) = 0;
  // All that there are, the epoch that began first first.
  [[nodiscard]] virtual Result<void> visit_events(
      const std::function<void(const KeptEvent&)>& see) = 0;

  // What all of it takes.
  [[nodiscard]] virtual Result<std::size_t> bytes() = 0;
};

}  // namespace steward::bus
