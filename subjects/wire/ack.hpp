#pragma once

#include "subjects/wire/names.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

// The life of a command on one unit (README, "Life of a command").
enum class CommandState {
  held,  // the station keeps it until its turn in a rollout
  sent,
  accepted,
  queued,
  running,
  done,
  failed,
  timed_out,
  cancelled,
  refused,
  expired,
  interrupted,
};

// "timed_out".
std::string_view word(CommandState state);

// Errors: unsupported.
[[nodiscard]] Result<CommandState> parse_command_state(std::string_view text);

// done, failed, timed_out, cancelled, refused, expired and interrupted end a command.
bool is_terminal(CommandState state);

// Payload of <node>.event.ack.<method>: one step of one command.
struct Ack {
  MessageId ref;       // the command
  std::string domain;  // of the command
  CommandState state;
  std::string code;                      // an ErrorCode's word, where something went wrong
  std::string message;                   // for people
  std::string result;                    // JSON object as text, terminal states; empty for none
  std::vector<std::string> ignored;      // fields of the command that the unit does not know
  std::optional<std::int64_t> pid;       // running
  std::optional<std::int64_t> position;  // queued: how many stand before it

  bool operator==(const Ack&) const = default;
};

std::string encode(const Ack& ack);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<Ack> decode_ack(std::string_view payload);

}  // namespace steward::wire
