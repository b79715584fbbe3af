#pragma once

#include "subjects/wire/headers.hpp"
#include "subjects/wire/names.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace steward::wire {

// A rollout: one job whose commands the station publishes group by group. The contract is in
// README.md ("Rollouts").

inline constexpr std::size_t kMostRolloutUnits = 100'000;

// "5": so many units; "10%": of each hundred so many.
struct Amount {
  enum class Of { units, hundred };

  std::size_t number = 0;
  Of of = Of::units;

  bool operator==(const Amount&) const = default;
};

// "5", "10%".
std::string text_of(const Amount& amount);

// Errors: bad_payload (it is neither, more than 100%, or more than kMostRolloutUnits).
[[nodiscard]] Result<Amount> parse_amount(std::string_view text);

// How a job is to be rolled out. Begins a hand-over: its commands follow as RolloutUnits.
struct RolloutPlan {
  MessageId rollout;  // ce-job of every command
  std::string method;
  std::string domain;
  std::string payload;     // of every command, the bytes that were signed
  std::size_t units = 0;   // how many commands there are
  std::size_t canary = 0;  // units that go first; all have to end well
  std::size_t batch = 1;   // units of each further group
  Amount max_fail;         // halts when more have failed; of a hundred: of those released so far
  std::chrono::milliseconds timeout{3'600'000};  // a unit without an end by then has failed
  std::chrono::milliseconds pause{0};            // between groups
  bool approve = false;                          // a person says when each further group begins

  bool operator==(const RolloutPlan&) const = default;
};

// One sealed command of a rollout, without its payload.
struct RolloutUnit {
  std::string unit;
  Headers headers;

  bool operator==(const RolloutUnit&) const = default;
};

// The commands from number `first` (0 is the first one of the plan) on.
struct RolloutUnits {
  MessageId rollout;
  std::size_t first = 0;
  std::vector<RolloutUnit> units;

  bool operator==(const RolloutUnits&) const = default;
};

// What a person says about a rollout.
struct RolloutWord {
  enum class Op { pause, resume, abort };

  Op op = Op::pause;
  MessageId rollout;
  // resume: how many groups may have begun, and so many failures are accepted, as the person saw
  // them; so the same word said twice, or late, allows nothing more.
  std::size_t groups = 0;
  std::size_t failures = 0;
  std::string note;

  bool operator==(const RolloutWord&) const = default;
};

// Payload of <station>.command.rollout.<domain>.
using RolloutRequest = std::variant<RolloutPlan, RolloutUnits, RolloutWord>;

std::string encode(const RolloutRequest& request);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<RolloutRequest> decode_rollout_request(std::string_view payload);

enum class RolloutState {
  receiving,  // not all of its commands have come
  running,
  waiting,   // for a person's word to begin the next group
  paused,    // by a person
  halted,    // too many have failed
  deferred,  // all that are there have ended; the others are taken up when they come back
  done,      // nothing is left to do
  aborted,   // by a person; what was not released is not released any more
};

// "receiving".
std::string_view word(RolloutState state);

inline bool is_over(RolloutState state) {
  return state == RolloutState::done || state == RolloutState::aborted;
}

// How many units of a rollout are where.
struct RolloutCounts {
  std::size_t held = 0;      // not released, and their group's turn has not come
  std::size_t deferred = 0;  // not released, for they were away when their turn came
  std::size_t running = 0;   // released, not ended, not overdue
  std::size_t overdue = 0;   // released, not ended in their time
  std::size_t done = 0;
  std::size_t failed = 0;     // ended otherwise
  std::size_t withdrawn = 0;  // cancelled, aborted, or expired before their turn

  // What counts against max_fail.
  std::size_t failures() const { return failed + overdue; }

  std::size_t released() const { return running + overdue + done + failed; }

  bool operator==(const RolloutCounts&) const = default;
};

// A rollout as query.rollouts answers it.
struct RolloutRow {
  // A row lists no more names of each kind.
  static constexpr std::size_t kMostNames = 100;

  RolloutPlan plan;  // without its payload
  std::string by;
  std::string summary;
  Timestamp created;
  RolloutState state = RolloutState::receiving;
  std::string reason;  // for people: why it is in this state
  Timestamp changed;
  std::size_t received = 0;             // commands
  std::size_t groups = 0;               // that there are, the canaries being one
  std::size_t begun = 0;                // that have had their turn
  std::size_t allowed = 0;              // that may have it
  std::size_t accepted = 0;             // failures that a person has accepted
  std::optional<Timestamp> group_over;  // when the last group that has begun had ended
  RolloutCounts counts;
  std::vector<std::string> deferred;  // units
  std::vector<std::string> overdue;

  bool operator==(const RolloutRow&) const = default;
};

std::string encode(const RolloutRow& row);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<RolloutRow> decode_rollout_row(std::string_view json);

}  // namespace steward::wire
