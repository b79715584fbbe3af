#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/names.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

// One handler thread of a unit, as hello tells it and the state table shows it.
struct HandlerState {
  std::string method;
  std::string domain;
  std::string state;  // "running", "restarting" or "stopped"
  std::int64_t restarts = 0;
  // What it says of its work, each by a name: "lag_ms".
  std::map<std::string, std::int64_t> figures;

  bool operator==(const HandlerState&) const = default;
};

// How many figures a handler may have.
inline constexpr std::size_t kMostFigures = 16;

// The lowest number of an epoch that a unit still has in its outbox; the next one to be given where
// it has none: what is below will not come any more.
struct OutboxBegin {
  MessageId epoch;
  std::uint64_t first;

  bool operator==(const OutboxBegin&) const = default;
};

// Payload of <node>.event.hello.agent: a unit is there, and how it is.
struct Hello {
  std::chrono::milliseconds interval{10'000};  // until the next one
  std::string boot_id;                         // of the machine: a new one after each boot
  std::string session;                         // of the agent: a new ULID at each start
  std::string agent_version;
  std::chrono::milliseconds uptime{0};           // of the agent
  std::optional<std::chrono::microseconds> rtt;  // agent to broker and back
  std::int64_t outbox_depth = 0;                 // recorded events that the station has not yet
  std::chrono::milliseconds outbox_oldest{0};
  std::vector<OutboxBegin> outbox;  // the oldest epochs that it has events of, and the present one
  std::int64_t ledger_open = 0;     // commands that are not finished
  std::optional<std::int64_t> policy;  // version in force, 0: none yet; absent: nothing is signed
  // Since 1970, by the clock of whoever signed them; absent: there is none, or it has no end.
  std::optional<std::chrono::milliseconds> login_expires;      // for the broker; renewed by itself
  std::optional<std::chrono::milliseconds> authority_expires;  // for its daemons, and to come back
  std::string facts_hash;                                      // empty until facts are told
  std::vector<HandlerState> handlers;
  std::chrono::milliseconds clock{0};  // the unit's wall clock since 1970
  bool first = false;                  // the first one after a connect
  bool bye = false;                    // the last one of a clean stop

  bool operator==(const Hello&) const = default;
};

// How many epochs a hello tells of.
inline constexpr std::size_t kMostEpochsTold = 8;

std::string encode(const Hello& hello);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<Hello> decode_hello(std::string_view payload);

// Payload of <node>.command.hello.agent: say hello now; nothing in it yet. Returns the names of the
// fields that were ignored. Errors: bad_payload.
[[nodiscard]] Result<std::vector<std::string>> decode_hello_request(std::string_view payload);

// Payload of <station>.event.received.<node>: all up to and with that number is safe with the
// station.
struct Received {
  std::string epoch;
  std::uint64_t upto = 0;

  bool operator==(const Received&) const = default;
};

std::string encode(const Received& received);

// Errors: bad_payload.
[[nodiscard]] Result<Received> decode_received(std::string_view payload);

}  // namespace steward::wire
