#pragma once

#include <array>
#include <string_view>

namespace steward::wire {

// Methods whose commands are recorded: kept in the stream COMMANDS, taken into a unit's ledger and
// ACKed. A test holds this and the catalogue of handlers together.
inline constexpr std::array<std::string_view, 2> kRecordedCommands = {"shellcommand", "metrics"};

// Methods whose events go through a unit's outbox and the stream STATE.
inline constexpr std::array<std::string_view, 1> kRecordedEvents = {"ack"};

}  // namespace steward::wire
