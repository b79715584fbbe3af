#pragma once

#include "steward/batch.hpp"
#include "steward/command_tracker.hpp"
#include "steward/moment.hpp"
#include "steward/rollout.hpp"
#include "subjects/wire/envelope.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace steward::station {

// A rollout of an earlier run.
struct KeptRollout {
  struct Unit {
    std::size_t number = 0;
    RolloutEntry entry;
    std::optional<wire::CommandState> state = std::nullopt;  // of its command; none: not known
  };

  wire::RolloutRow row;
  std::string payload;
  std::vector<Unit> units;
};

// The rollouts that operators have handed over, and which of their commands go out when. What goes
// out is known by the stream of commands: a release stands in the batch before it, and is done when
// the command was seen on the stream. Until then it is published again. So nothing is forgotten by
// a station that dies, and another one, or one without its database, finds out how far it was.
//
// Each station of a name takes what comes; only one that acts may judge() and publish. A state
// machine: time is passed in. One thread.
class RolloutsTable {
 public:
  static constexpr std::size_t kMostOpen = 50;
  static constexpr std::size_t kMostOver = 100;  // that are listed still

  // Commands that are published at once, and how long each is given to come back on the stream.
  static constexpr std::size_t kMostFlying = 256;
  static constexpr std::chrono::seconds kFlight{5};

  // How long all of its commands may take to come.
  static constexpr std::chrono::hours kHandOver{1};

  void restore(KeptRollout kept);

  // Begins a hand-over. One that is known already stays as it is. Errors: overloaded.
  [[nodiscard]] Result<void> begin(const wire::RolloutPlan& plan,
                                   const std::string& by,
                                   Moment now,
                                   Batch& batch);

  // What its commands share, while they are handed over; null for one that is not.
  const std::string* payload_of(const wire::MessageId& rollout) const;

  bool knows(const wire::MessageId& rollout) const { return rollouts_.contains(rollout); }

  // Null where it is not known, or over.
  const Rollout* find(const wire::MessageId& rollout) const;

  // Takes a command of it, opened and found good. Errors: bad_payload (it belongs to another
  // rollout, sender or place), in words for people.
  [[nodiscard]] Result<void> add(const wire::MessageId& rollout,
                                 std::size_t number,
                                 const wire::Envelope& envelope,
                                 wire::Headers headers,
                                 Moment now,
                                 CommandTracker& commands,
                                 Batch& batch);

  // A person's word. Errors: not_found, bad_payload.
  [[nodiscard]] Result<void> take(const wire::RolloutWord& word,
                                  const std::string& by,
                                  Moment now,
                                  CommandTracker& commands,
                                  Batch& batch);

  // Takes what commands have come to since the last call, by the steps of the batch. Before the
  // batch is committed.
  void follow(Batch& batch);

  // Releases what is due. Without `is_there` (of a station that does not act) it only looks which
  // are done.
  void judge(Moment now, const Rollout::IsThere& is_there, CommandTracker& commands, Batch& batch);

  // What was released is on disk.
  void settle();

  // Whether judge() has something to look at.
  bool is_active() const { return open_ > 0; }

  struct Due {
    wire::MessageId rollout;
    std::size_t number = 0;
    std::string subject;
  };

  // What to publish now. Each comes again until it was seen.
  std::vector<Due> due(Moment now);

  // Since when a command was published again and again without being seen on the stream.
  std::optional<std::chrono::steady_clock::time_point> unseen_since() const;

  // Newest first.
  std::vector<wire::RolloutRow> rows(wire::Timestamp now) const;

 private:
  struct Kept {
    std::optional<Rollout> machine;        // none: it is over, and nothing of it is at work
    std::optional<wire::RolloutRow> last;  // then
    std::string payload;                   // while it is handed over
  };

  struct Place {
    wire::MessageId rollout;
    std::size_t number = 0;
  };

  struct Flight {
    Place place;
    std::string subject;
    std::optional<std::chrono::steady_clock::time_point> first_sent = std::nullopt;
    std::optional<std::chrono::steady_clock::time_point> sent = std::nullopt;
  };

  static std::string subject_of(const Rollout& rollout, const RolloutEntry& entry);
  void write(const wire::MessageId& id, Kept& kept, Moment now, Batch& batch);
  void write_if_changed(const wire::MessageId& id, Kept& kept, Moment now, Batch& batch);
  void withdraw(
      Kept& kept, std::string_view why, Moment now, CommandTracker& commands, Batch& batch);
  void end_quiet_ones(Moment now, Batch& batch);
  void forget_oldest(Batch& batch);

  std::map<wire::MessageId, Kept> rollouts_;
  std::unordered_map<wire::MessageId, Place> commands_;
  std::map<wire::MessageId, Flight> flights_;  // by command: released, on disk, not seen
  std::map<wire::MessageId, Flight> fresh_;    // not on disk yet
  std::size_t fed_ = 0;                        // steps of the batch
  std::size_t open_ = 0;
};

}  // namespace steward::station
