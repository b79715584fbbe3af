#pragma once

#include "steward/batch.hpp"
#include "steward/moment.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/envelope.hpp"
#include "subjects/wire/query.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace steward::station {

// A command as the tracker keeps it, to give to it what was kept of an earlier time.
struct TrackedCommand {
  struct OnUnit {
    wire::CommandState state = wire::CommandState::sent;
    SaidBy said_by = SaidBy::unit;
  };

  wire::MessageId id;
  wire::MessageId job;
  std::optional<wire::Timestamp> expires;
  bool to_all = false;
  bool described = false;  // the command itself was seen, not only its ACKs
  std::map<std::string, OnUnit, std::less<>> units;
  std::size_t open = 0;     // of the units; the tracker's to keep
  std::string service;      // method and domain: "shellcommand.operatingsystem"
  std::size_t unheard = 0;  // units in `sent`; the tracker's to keep
};

// What every command has come to on every unit that it concerns. Keeps the open ones, and so many
// of the finished ones; each step goes out to a Batch. The state of a command on a unit only moves
// forward (held, sent, accepted, queued, running, a terminal one), and a terminal state that the
// unit has said is final. Where a command's time has passed without any word from the unit the
// station says `expired` itself: that is a presumption, which the unit's own terminal word
// replaces, once, for the unit may have run it while its link was away. So does `cancelled`, said
// where a cancel has come for a command that its unit has not said a word about: it is not sent to
// it any more.
//
// A state machine: time is passed in and nothing is done by itself. One thread.
class CommandTracker {
 public:
  // Finished (command, unit) pairs that are kept, so that what comes behind the end of a command
  // does not have to be looked up.
  static constexpr std::size_t kFinishedKept = 20'000;

  // How long after a command's expiry the word of a unit is waited for.
  static constexpr std::chrono::seconds kExpiryGrace{5};

  // How long after a cancel: the unit may have the command, and its word be on the way.
  static constexpr std::chrono::seconds kCancelGrace{5};

  bool knows(const wire::MessageId& id) const { return commands_.count(id) != 0; }

  // Takes a command of an earlier time.
  void restore(TrackedCommand command);

  // Takes how many commands a unit has in which state, from an earlier run.
  void restore_counts(std::string unit, wire::CommandCounts counts);

  // A command that the station keeps until its turn in a rollout: `held`, until command() sees it
  // on the bus. One that is known already stays as it is.
  void hold(const wire::Envelope& envelope, std::string_view payload, Moment now, Batch& batch);

  // It is never to go out: `cancelled`, where it is still held.
  void withdraw(const wire::MessageId& id,
                std::string_view unit,
                std::string_view why,
                Moment now,
                Batch& batch);

  enum class Seen { first_time, again };

  // A command was seen on the bus. `known_units`: whom a broadcast concerns. Seen again (the
  // station or its sender repeats it): nothing changes.
  Seen command(const wire::Envelope& envelope,
               std::string_view payload,
               const std::vector<std::string>& known_units,
               Moment now,
               Batch& batch);

  // Whether a unit keeps what it says until the station has it.
  enum class Recorded { yes, no };

  // A unit said a step. `subject` is the event's. One for a command never seen makes it known. What
  // a unit refused or found expired and could not record (its disk takes nothing) is a presumption,
  // too: later it does not know of it, and may run a copy.
  void ack(const wire::Ack& ack,
           const wire::Subject& subject,
           const std::optional<wire::MessageId>& job,
           Recorded recorded,
           Moment now,
           Batch& batch);

  // None where that is not known (any more).
  std::optional<wire::CommandState> state_of(const wire::MessageId& id,
                                             std::string_view unit) const;

  // Whether some unit has not said a word about it.
  bool is_unheard(const wire::MessageId& id) const;

  // Says `expired` where the time has passed without a word, and `cancelled` where a cancel stands.
  void tick(Moment now, Batch& batch);

  // What was folded is committed: drops finished commands beyond the bound.
  void settle();

  wire::CommandCounts counts(std::string_view unit) const;

  std::size_t size() const { return commands_.size(); }

 private:
  struct Step {
    std::string_view unit;
    wire::CommandState state;
    SaidBy said_by;
    const wire::Ack* ack = nullptr;  // of the unit
    std::string_view why = {};       // where the station says it
  };

  TrackedCommand& known(const wire::Envelope& envelope);
  void advance(TrackedCommand& command, const Step& step, Moment now, Batch& batch);
  void count(const TrackedCommand& command,
             std::string_view unit,
             std::optional<wire::CommandState> before,
             wire::CommandState after,
             Batch& batch);
  void finish(const TrackedCommand& command);
  void cancel(const wire::MessageId& id,
              const wire::Envelope& cancel,
              const std::vector<std::string>& units,
              Moment now,
              Batch& batch);
  static void count_unheard(TrackedCommand& command,
                            std::optional<wire::CommandState> before,
                            wire::CommandState after,
                            Batch& batch);

  // A command that a cancel has come for, on a unit without a word about it.
  struct Withheld {
    wire::MessageId id;
    std::string unit;

    auto operator<=>(const Withheld&) const = default;
  };

  std::unordered_map<wire::MessageId, TrackedCommand> commands_;
  std::map<std::string, wire::CommandCounts, std::less<>> unit_counts_;
  std::set<std::pair<wire::Timestamp, wire::MessageId>> expiries_;
  std::set<std::pair<wire::Timestamp, Withheld>> withheld_;
  std::deque<std::pair<wire::MessageId, std::size_t>> finished_;  // in the order of their end
  std::size_t finished_pairs_ = 0;
};

}  // namespace steward::station
