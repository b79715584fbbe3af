#pragma once

#include "subjects/wire/ack.hpp"
#include "subjects/wire/rollout.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::station {

// Why a unit of a rollout was released when it was.
enum class Release {
  in_turn,   // with its group
  canary,    // as one of the first, which have to end well
  deferred,  // it had been away when its group's turn came
};

// One unit of a rollout, and what has become of its command.
struct RolloutEntry {
  enum class Fate { held, released, done, failed, withdrawn };

  std::string unit;
  wire::MessageId command;
  Fate fate = Fate::held;
  std::optional<wire::Timestamp> released = std::nullopt;
  Release how = Release::in_turn;
};

// One rollout: which units go next, and when it waits or halts.
//
// - The canaries are the first units of the list that are there, taken as they come. Nothing else
// is
//   released before each of them is `done`, and one that is not halts the rollout.
// - The others form groups of `batch`, in the order of the list. A group begins when all of the one
//   before have ended or are overdue, the pause has passed, and a person has allowed it if that is
//   asked for.
// - A unit that is away when its group begins is deferred: nobody waits for it. Once it is back it
//   is released, as long as less than `batch` units are at work.
// - With more failures than max_fail allows (and a person has accepted) it halts.
//
// A state machine: time is passed in, and it says what is to be released, not more. One thread.
class Rollout {
 public:
  using IsThere = std::function<bool(std::string_view unit)>;

  Rollout(wire::RolloutPlan plan, std::string by, std::string summary, wire::Timestamp now);

  // One of an earlier run: what its row says, then its entries by their numbers.
  explicit Rollout(wire::RolloutRow row);
  void restore(std::size_t number, RolloutEntry entry);

  const wire::RolloutPlan& plan() const { return row_.plan; }

  const std::string& by() const { return row_.by; }

  wire::RolloutState state() const { return row_.state; }

  wire::Timestamp changed() const { return row_.changed; }

  // Null where that number has not come yet.
  const RolloutEntry* entry(std::size_t number) const;

  // Takes a command that was handed over. With the last one the rollout runs. False where another
  // one has that number, or it is beyond the plan.
  bool add(std::size_t number, std::string unit, wire::MessageId command, wire::Timestamp now);

  // Takes a state that its command has reached. True where that shows that it was released, and not
  // here (by an earlier station, or another one): it counts as released then.
  bool take(std::size_t number, wire::CommandState state, wire::Timestamp at);

  // A person's word. Errors: bad_payload (it is over, or not begun), in words for people.
  [[nodiscard]] Result<void> take(const wire::RolloutWord& word,
                                  const std::string& by,
                                  wire::Timestamp now);

  // What is to be released now, by number: they are taken as released. Without `is_there` nothing
  // is: it only looks whether it is done.
  std::vector<std::size_t> step(wire::Timestamp now, const IsThere& is_there);

  // The commands that never go out: of a rollout that was aborted, or never came whole.
  std::vector<std::size_t> held() const;

  // Ends one whose commands have not all come.
  void give_up(wire::Timestamp now);

  // As it is now.
  wire::RolloutRow row(wire::Timestamp now) const;

  // Whether the row's own part (all but what its entries tell) has changed since the last call.
  bool take_changed() { return std::exchange(changed_, false); }

 private:
  // Where the entries stand.
  struct Tally {
    wire::RolloutCounts counts;
    std::size_t begun = 0;            // groups of which some unit was released
    std::string bad_canary;           // one that is not done: it ended otherwise, or is overdue
    bool group_at_work = false;       // of the groups that have had their turn
    std::vector<std::size_t> groups;  // of each entry, canaries left out
  };

  Tally tally(wire::Timestamp now) const;
  bool is_overdue(const RolloutEntry& entry, wire::Timestamp now) const;

  std::size_t first_group() const { return row_.plan.canary > 0 ? 1 : 0; }

  bool is_too_much(const wire::RolloutCounts& counts) const;
  bool must_halt(const Tally& tally, wire::Timestamp now);
  bool settle_ending(const Tally& tally, wire::Timestamp now);
  void step_canaries(const IsThere& is_there, wire::Timestamp now, std::vector<std::size_t>& out);
  void step_deferred(const Tally& tally,
                     const IsThere& is_there,
                     wire::Timestamp now,
                     std::vector<std::size_t>& out);
  void step_groups(const Tally& tally,
                   const IsThere& is_there,
                   wire::Timestamp now,
                   std::vector<std::size_t>& out);
  bool may_begin_next(wire::Timestamp now);
  void release(std::size_t number, Release how, wire::Timestamp now, std::vector<std::size_t>& out);
  void become(wire::RolloutState state, std::string reason, wire::Timestamp now);

  wire::RolloutRow row_;
  std::vector<std::optional<RolloutEntry>> entries_;
  std::size_t canaries_ = 0;  // chosen
  bool changed_ = true;
};

}  // namespace steward::station
