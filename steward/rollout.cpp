#include "steward/rollout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using Fate = RolloutEntry::Fate;
using wire::RolloutState;

Fate fate_of(wire::CommandState state, bool released) {
  switch (state) {
    case wire::CommandState::held:
      return Fate::held;
    case wire::CommandState::done:
      return Fate::done;
    case wire::CommandState::cancelled:
    case wire::CommandState::expired:
      return released ? Fate::failed : Fate::withdrawn;
    default:
      return wire::is_terminal(state) ? Fate::failed : Fate::released;
  }
}

// Groups of a plan, the canaries being one.
std::size_t groups_of(const wire::RolloutPlan& plan) {
  return (plan.canary > 0 ? 1 : 0) + (plan.units - plan.canary + plan.batch - 1) / plan.batch;
}

}  // namespace

Rollout::Rollout(wire::RolloutPlan plan, std::string by, std::string summary, wire::Timestamp now)
    : row_{.plan = std::move(plan),
           .by = std::move(by),
           .summary = std::move(summary),
           .created = now,
           .changed = now} {
  entries_.resize(row_.plan.units);
  row_.plan.payload.clear();
  row_.groups = groups_of(row_.plan);
  row_.allowed = row_.plan.approve ? 1 : row_.groups;
}

Rollout::Rollout(wire::RolloutRow row) : row_(std::move(row)), changed_(false) {
  row_.received = 0;
  row_.deferred.clear();  // these are told anew
  row_.overdue.clear();
  entries_.resize(row_.plan.units);
}

void Rollout::restore(std::size_t number, RolloutEntry entry) {
  if (number < entries_.size() && !entries_[number]) {
    canaries_ += entry.released && entry.how == Release::canary ? 1 : 0;
    entries_[number] = std::move(entry);
    ++row_.received;
  }
}

const RolloutEntry* Rollout::entry(std::size_t number) const {
  return number < entries_.size() && entries_[number] ? &*entries_[number] : nullptr;
}

bool Rollout::add(std::size_t number,
                  std::string unit,
                  wire::MessageId command,
                  wire::Timestamp now) {
  if (number >= entries_.size() || row_.state == RolloutState::aborted) {
    return false;
  }
  auto& place = entries_[number];
  if (place) {
    return place->command == command && place->unit == unit;
  }
  place = RolloutEntry{std::move(unit), command};
  if (++row_.received == entries_.size() && row_.state == RolloutState::receiving) {
    become(RolloutState::running, "", now);
  }
  return true;
}

bool Rollout::take(std::size_t number, wire::CommandState state, wire::Timestamp at) {
  if (entry(number) == nullptr || state == wire::CommandState::held) {
    return false;
  }
  auto& entry = *entries_[number];
  const bool never_went =
      state == wire::CommandState::cancelled || state == wire::CommandState::expired;
  const bool found = !never_went && !entry.released;
  if (found) {
    entry.released = at;
    entry.how = canaries_ < row_.plan.canary ? Release::canary : Release::in_turn;
    canaries_ += entry.how == Release::canary ? 1 : 0;
  }
  entry.fate = fate_of(state, entry.released.has_value());
  return found;
}

Result<void> Rollout::take(const wire::RolloutWord& word,
                           const std::string& by,
                           wire::Timestamp now) {
  if (wire::is_over(row_.state)) {
    return failure(ErrorCode::bad_payload,
                   fmt::format("rollout {} is over", row_.plan.rollout.view()));
  }
  const std::string who = word.note.empty() ? "by " + by : "by " + by + ": " + word.note;
  switch (word.op) {
    case wire::RolloutWord::Op::abort:
      become(RolloutState::aborted, who, now);
      break;
    case wire::RolloutWord::Op::pause:
      if (row_.state == RolloutState::receiving) {
        return failure(ErrorCode::bad_payload, "its commands have not all come yet");
      }
      become(RolloutState::paused, who, now);
      break;
    case wire::RolloutWord::Op::resume:
      if (row_.state == RolloutState::receiving) {
        return failure(ErrorCode::bad_payload, "its commands have not all come yet");
      }
      row_.allowed = std::max(row_.allowed, std::min(word.groups, row_.groups));
      row_.accepted = std::max(row_.accepted, word.failures);
      become(RolloutState::running, who, now);
      break;
  }
  return {};
}

bool Rollout::is_overdue(const RolloutEntry& entry, wire::Timestamp now) const {
  return entry.fate == Fate::released && entry.released &&
         now - *entry.released >= row_.plan.timeout;
}

// The groups are cut out of what the canaries leave of the list, so they stand once those are
// chosen.
Rollout::Tally Rollout::tally(wire::Timestamp now) const {
  Tally tally;
  tally.groups.resize(entries_.size());
  std::size_t rank = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i]) {
      continue;
    }
    const auto& entry = *entries_[i];
    const bool canary = entry.released && entry.how == Release::canary;
    const std::size_t group = canary ? 0 : first_group() + rank++ / row_.plan.batch;
    tally.groups[i] = group;
    const bool overdue = is_overdue(entry, now);
    auto& counts = tally.counts;
    switch (entry.fate) {
      case Fate::held:
        ++(group < row_.begun ? counts.deferred : counts.held);
        break;
      case Fate::released:
        ++(overdue ? counts.overdue : counts.running);
        break;
      case Fate::done:
        ++counts.done;
        break;
      case Fate::failed:
        ++counts.failed;
        break;
      case Fate::withdrawn:
        ++counts.withdrawn;
        break;
    }
    if (canary) {
      tally.bad_canary = overdue || entry.fate == Fate::failed ? entry.unit : tally.bad_canary;
    }
    if (entry.released && entry.how != Release::deferred) {
      tally.begun = std::max(tally.begun, group + 1);
    }
    tally.group_at_work = tally.group_at_work || (entry.fate == Fate::released && !overdue &&
                                                  entry.how != Release::deferred);
  }
  return tally;
}

bool Rollout::is_too_much(const wire::RolloutCounts& counts) const {
  const auto& most = row_.plan.max_fail;
  return most.of == wire::Amount::Of::units
             ? counts.failures() > most.number
             : counts.failures() * 100 > most.number * counts.released();
}

// What a person has accepted does not halt it again; one more does.
bool Rollout::must_halt(const Tally& tally, wire::Timestamp now) {
  const auto& counts = tally.counts;
  const bool new_ones = counts.failures() > row_.accepted;
  const bool bad_canary = !tally.bad_canary.empty() && row_.begun <= first_group();
  if (!new_ones || !(bad_canary || is_too_much(counts))) {
    return false;
  }
  become(RolloutState::halted,
         bad_canary ? fmt::format("the canary {} has not ended well", tally.bad_canary)
                    : fmt::format("{} of {} have failed, at most {} may",
                                  counts.failures(),
                                  counts.released(),
                                  wire::text_of(row_.plan.max_fail)),
         now);
  return true;
}

// True where nothing can be released any more.
bool Rollout::settle_ending(const Tally& tally, wire::Timestamp now) {
  const auto& counts = tally.counts;
  if (counts.held + counts.deferred > 0) {
    return false;
  }
  const bool at_work = counts.running > 0;
  become(at_work ? RolloutState::running : RolloutState::done, "", now);
  return true;
}

std::vector<std::size_t> Rollout::step(wire::Timestamp now, const IsThere& is_there) {
  std::vector<std::size_t> out;
  if (wire::is_over(row_.state) || row_.state == RolloutState::receiving) {
    return out;
  }
  const auto standing = tally(now);
  if (standing.begun > row_.begun) {
    row_.begun = standing.begun;  // another station has begun it
    changed_ = true;
    return step(now, is_there);
  }
  if (settle_ending(standing, now) || is_there == nullptr || row_.state == RolloutState::paused ||
      row_.state == RolloutState::halted || must_halt(standing, now)) {
    return out;
  }
  if (canaries_ < row_.plan.canary) {
    step_canaries(is_there, now, out);
    return out;
  }
  if (row_.begun > first_group()) {
    step_deferred(standing, is_there, now, out);
  }
  if (!standing.group_at_work) {
    step_groups(standing, is_there, now, out);
  }
  return out;
}

void Rollout::step_canaries(const IsThere& is_there,
                            wire::Timestamp now,
                            std::vector<std::size_t>& out) {
  for (std::size_t i = 0; i < entries_.size() && canaries_ < row_.plan.canary; ++i) {
    if (entries_[i]->fate == Fate::held && is_there(entries_[i]->unit)) {
      release(i, Release::canary, now, out);
    }
  }
  row_.begun = out.empty() ? row_.begun : std::max<std::size_t>(row_.begun, 1);
  const auto missing = row_.plan.canary - canaries_;
  become(RolloutState::running,
         missing == 0 ? ""
                      : fmt::format("{} more of its canaries {} to be there",
                                    missing,
                                    missing == 1 ? "has" : "have"),
         now);
}

void Rollout::step_deferred(const Tally& tally,
                            const IsThere& is_there,
                            wire::Timestamp now,
                            std::vector<std::size_t>& out) {
  auto at_work = tally.counts.running;
  for (std::size_t i = 0;
       i < entries_.size() && at_work < row_.plan.batch && tally.counts.deferred > 0;
       ++i) {
    if (entries_[i]->fate == Fate::held && tally.groups[i] < row_.begun &&
        is_there(entries_[i]->unit)) {
      release(i, Release::deferred, now, out);
      ++at_work;
    }
  }
}

// A group of which nobody is there is over as soon as it has begun.
void Rollout::step_groups(const Tally& tally,
                          const IsThere& is_there,
                          wire::Timestamp now,
                          std::vector<std::size_t>& out) {
  for (bool at_work = false; !at_work;) {
    if (!row_.group_over && row_.begun > 0) {
      row_.group_over = now;
      changed_ = true;
    }
    if (row_.begun >= row_.groups) {
      const bool all = out.empty() && tally.counts.running == 0;
      become(all ? RolloutState::deferred : RolloutState::running, "", now);
      return;
    }
    if (!may_begin_next(now)) {
      return;
    }
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i]->fate == Fate::held && tally.groups[i] == row_.begun &&
          is_there(entries_[i]->unit)) {
        release(i, Release::in_turn, now, out);
        at_work = true;
      }
    }
    ++row_.begun;
    row_.group_over.reset();
    changed_ = true;
  }
}

bool Rollout::may_begin_next(wire::Timestamp now) {
  if (row_.begun >= row_.allowed) {
    become(RolloutState::waiting,
           fmt::format("for a person to allow group {} of {}", row_.begun + 1, row_.groups),
           now);
    return false;
  }
  const bool rests = row_.group_over && now < *row_.group_over + row_.plan.pause;
  become(RolloutState::running,
         rests ? fmt::format("group {} begins {}",
                             row_.begun + 1,
                             wire::format_time(*row_.group_over + row_.plan.pause))
               : "",
         now);
  return !rests;
}

void Rollout::release(std::size_t number,
                      Release how,
                      wire::Timestamp now,
                      std::vector<std::size_t>& out) {
  auto& entry = *entries_[number];
  entry.fate = Fate::released;
  entry.released = now;
  entry.how = how;
  canaries_ += how == Release::canary ? 1 : 0;
  out.push_back(number);
}

void Rollout::become(RolloutState state, std::string reason, wire::Timestamp now) {
  if (row_.state != state || row_.reason != reason) {
    row_.changed = row_.state != state ? now : row_.changed;
    row_.state = state;
    row_.reason = std::move(reason);
    changed_ = true;
  }
}

std::vector<std::size_t> Rollout::held() const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i] && entries_[i]->fate == Fate::held) {
      out.push_back(i);
    }
  }
  return out;
}

void Rollout::give_up(wire::Timestamp now) {
  if (row_.state == RolloutState::receiving) {
    become(RolloutState::aborted, "its commands never came whole", now);
  }
}

wire::RolloutRow Rollout::row(wire::Timestamp now) const {
  auto row = row_;
  const auto standing = tally(now);
  row.counts = standing.counts;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i]) {
      continue;
    }
    const auto& entry = *entries_[i];
    if (entry.fate == Fate::held && standing.groups[i] < row_.begun &&
        row.deferred.size() < wire::RolloutRow::kMostNames) {
      row.deferred.push_back(entry.unit);
    }
    if (is_overdue(entry, now) && row.overdue.size() < wire::RolloutRow::kMostNames) {
      row.overdue.push_back(entry.unit);
    }
  }
  return row;
}

}  // namespace steward::station
