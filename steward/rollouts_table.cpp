#include "steward/rollouts_table.hpp"

#include "steward/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using wire::RolloutState;

wire::HistoryRow told_rollout(const wire::RolloutRow& row, Moment now) {
  auto text = fmt::format("{} {}", row.plan.rollout.view(), wire::word(row.state));
  if (row.begun > 0 && !wire::is_over(row.state)) {
    text += fmt::format(", group {} of {}", row.begun, row.groups);
  }
  return {0, now.wall, "", "rollout", row.reason.empty() ? text : text + ": " + row.reason};
}

}  // namespace

std::string RolloutsTable::subject_of(const Rollout& rollout, const RolloutEntry& entry) {
  return entry.unit + ".command." + rollout.plan().method + "." + rollout.plan().domain;
}

void RolloutsTable::restore(KeptRollout kept) {
  const auto id = kept.row.plan.rollout;
  auto& place = rollouts_[id];
  place.last = kept.row;
  if (wire::is_over(kept.row.state) && kept.units.empty()) {
    return;
  }
  ++open_;
  place.payload = kept.row.state == RolloutState::receiving ? std::move(kept.payload) : "";
  auto& machine = place.machine.emplace(std::move(kept.row));
  for (auto& [number, entry, state] : kept.units) {
    const auto command = entry.command;
    const auto released = entry.released;
    commands_.emplace(command, Place{id, number});
    entry.fate = released ? RolloutEntry::Fate::released : RolloutEntry::Fate::held;
    const auto subject = subject_of(machine, entry);
    machine.restore(number, std::move(entry));
    if (state && *state != wire::CommandState::held) {
      machine.take(number, *state, released.value_or(machine.changed()));
    } else if (released) {
      flights_.emplace(command, Flight{{id, number}, subject});
    }
  }
}

Result<void> RolloutsTable::begin(const wire::RolloutPlan& plan,
                                  const std::string& by,
                                  Moment now,
                                  Batch& batch) {
  if (rollouts_.contains(plan.rollout)) {
    return {};
  }
  if (open_ >= kMostOpen) {
    return failure(ErrorCode::overloaded, fmt::format("{} rollouts are open already", kMostOpen));
  }
  ++open_;
  auto& kept = rollouts_[plan.rollout];
  kept.payload = plan.payload;
  kept.machine.emplace(plan, by, describe(plan.payload).summary, now.wall);
  write(plan.rollout, kept, now, batch);
  batch.rollouts.at(plan.rollout)->payload = plan.payload;
  batch.bytes += plan.payload.size();
  return {};
}

const std::string* RolloutsTable::payload_of(const wire::MessageId& rollout) const {
  const auto at = rollouts_.find(rollout);
  return at == rollouts_.end() || !at->second.machine ||
                 at->second.machine->state() != RolloutState::receiving
             ? nullptr
             : &at->second.payload;
}

const Rollout* RolloutsTable::find(const wire::MessageId& rollout) const {
  const auto at = rollouts_.find(rollout);
  return at == rollouts_.end() || !at->second.machine ? nullptr : &*at->second.machine;
}

Result<void> RolloutsTable::add(const wire::MessageId& rollout,
                                std::size_t number,
                                const wire::Envelope& envelope,
                                wire::Headers headers,
                                Moment now,
                                CommandTracker& commands,
                                Batch& batch) {
  const auto at = rollouts_.find(rollout);
  if (at == rollouts_.end() || !at->second.machine) {
    return failure(ErrorCode::not_found, fmt::format("no rollout {} is begun", rollout.view()));
  }
  auto& machine = *at->second.machine;
  const auto& plan = machine.plan();
  if (envelope.source.str() != machine.by() || envelope.job != rollout ||
      envelope.subject.is_broadcast() || envelope.subject.method.str() != plan.method ||
      envelope.subject.domain.str() != plan.domain || !envelope.expires) {
    return failure(
        ErrorCode::bad_payload,
        fmt::format("command {} is not of its sender, job, method or domain", envelope.id.view()));
  }
  const auto known = commands_.find(envelope.id);
  const bool elsewhere = known != commands_.end() &&
                         (known->second.rollout != rollout || known->second.number != number);
  const bool repeated = known != commands_.end() && !elsewhere;
  const std::string unit = envelope.subject.node->str();
  if (elsewhere || !machine.add(number, unit, envelope.id, now.wall)) {
    return failure(ErrorCode::bad_payload,
                   fmt::format("command {} has no place {} in it", envelope.id.view(), number));
  }
  if (repeated) {
    return {};
  }
  commands_.emplace(envelope.id, Place{rollout, number});
  for (const auto& [name, value] : headers) {
    batch.bytes += name.size() + value.size();
  }
  batch.rollout_units.push_back({rollout, number, unit, envelope.id, std::move(headers)});
  commands.hold(envelope, at->second.payload, now, batch);
  // One that somebody has published before it was handed over.
  if (const auto state = commands.state_of(envelope.id, unit)) {
    machine.take(number, *state, now.wall);
  }
  if (machine.state() != RolloutState::receiving) {
    at->second.payload.clear();
  }
  write_if_changed(rollout, at->second, now, batch);
  return {};
}

Result<void> RolloutsTable::take(const wire::RolloutWord& word,
                                 const std::string& by,
                                 Moment now,
                                 CommandTracker& commands,
                                 Batch& batch) {
  const auto at = rollouts_.find(word.rollout);
  if (at == rollouts_.end()) {
    return failure(ErrorCode::not_found, fmt::format("no rollout {}", word.rollout.view()));
  }
  if (!at->second.machine) {
    return failure(ErrorCode::bad_payload, fmt::format("rollout {} is over", word.rollout.view()));
  }
  if (auto said = at->second.machine->take(word, by, now.wall); !said) {
    return said;
  }
  if (word.op == wire::RolloutWord::Op::abort) {
    withdraw(at->second, "its rollout was aborted before its turn", now, commands, batch);
  }
  write_if_changed(word.rollout, at->second, now, batch);
  return {};
}

void RolloutsTable::withdraw(
    Kept& kept, std::string_view why, Moment now, CommandTracker& commands, Batch& batch) {
  for (const auto number : kept.machine->held()) {
    const auto* entry = kept.machine->entry(number);
    commands.withdraw(entry->command, entry->unit, why, now, batch);
  }
  follow(batch);
}

void RolloutsTable::follow(Batch& batch) {
  fed_ = std::min(fed_, batch.steps.size());
  for (; fed_ < batch.steps.size(); ++fed_) {
    const auto& step = batch.steps[fed_];
    const auto place = commands_.find(step.command);
    if (place == commands_.end()) {
      continue;
    }
    const auto& [rollout, number] = place->second;
    auto& machine = *rollouts_.at(rollout).machine;
    if (machine.take(number, step.state, step.at)) {
      const auto* entry = machine.entry(number);
      batch.releases.push_back({rollout, number, *entry->released, static_cast<int>(entry->how)});
    }
    if (step.state != wire::CommandState::held) {
      flights_.erase(step.command);
      fresh_.erase(step.command);
    }
  }
}

void RolloutsTable::judge(Moment now,
                          const Rollout::IsThere& is_there,
                          CommandTracker& commands,
                          Batch& batch) {
  follow(batch);
  for (auto& [id, kept] : rollouts_) {
    if (!kept.machine) {
      continue;
    }
    auto& machine = *kept.machine;
    if (machine.state() == RolloutState::receiving &&
        now.wall - kept.machine->changed() >= kHandOver) {
      machine.give_up(now.wall);
      withdraw(kept, "its rollout was never handed over whole", now, commands, batch);
    }
    for (const auto number : machine.step(now.wall, is_there)) {
      const auto* entry = machine.entry(number);
      batch.releases.push_back({id, number, *entry->released, static_cast<int>(entry->how)});
      fresh_.emplace(entry->command, Flight{{id, number}, subject_of(machine, *entry)});
    }
    write_if_changed(id, kept, now, batch);
  }
  end_quiet_ones(now, batch);
}

void RolloutsTable::settle() {
  flights_.merge(fresh_);
  fresh_.clear();
  fed_ = 0;
}

std::vector<RolloutsTable::Due> RolloutsTable::due(Moment now) {
  std::vector<Due> out;
  std::size_t flying = 0;
  for (auto& [command, flight] : flights_) {
    const bool in_flight = flight.sent && now.steady - *flight.sent < kFlight;
    if (flying >= kMostFlying) {
      break;
    }
    ++flying;
    if (!in_flight) {
      flight.sent = now.steady;
      flight.first_sent = flight.first_sent.value_or(now.steady);
      out.push_back({flight.place.rollout, flight.place.number, flight.subject});
    }
  }
  return out;
}

std::optional<std::chrono::steady_clock::time_point> RolloutsTable::unseen_since() const {
  std::optional<std::chrono::steady_clock::time_point> since;
  for (const auto& [command, flight] : flights_) {
    if (flight.first_sent) {
      since = std::min(since.value_or(*flight.first_sent), *flight.first_sent);
    }
  }
  return since;
}

std::vector<wire::RolloutRow> RolloutsTable::rows(wire::Timestamp now) const {
  std::vector<wire::RolloutRow> rows;
  for (auto at = rollouts_.rbegin(); at != rollouts_.rend(); ++at) {
    rows.push_back(at->second.machine ? at->second.machine->row(now) : *at->second.last);
  }
  return rows;
}

void RolloutsTable::write(const wire::MessageId& id, Kept& kept, Moment now, Batch& batch) {
  static_cast<void>(kept.machine->take_changed());
  kept.last = kept.machine->row(now.wall);
  auto& record = batch.rollouts[id];
  if (record) {
    record->row = *kept.last;
  } else {
    record = RolloutRecord{*kept.last};
  }
  batch.history.push_back(told_rollout(*kept.last, now));
}

void RolloutsTable::write_if_changed(const wire::MessageId& id,
                                     Kept& kept,
                                     Moment now,
                                     Batch& batch) {
  if (kept.machine->take_changed()) {
    write(id, kept, now, batch);
  }
}

// One that is over, and of which nothing runs any more, needs no more than its row.
void RolloutsTable::end_quiet_ones(Moment now, Batch& batch) {
  for (auto& [id, kept] : rollouts_) {
    if (!kept.machine || !wire::is_over(kept.machine->state())) {
      continue;
    }
    const auto row = kept.machine->row(now.wall);
    if (row.counts.running + row.counts.overdue + row.counts.held + row.counts.deferred > 0) {
      continue;
    }
    write(id, kept, now, batch);
    batch.rollouts_ended.insert(id);
    kept.machine.reset();
    kept.payload.clear();
    --open_;
    std::erase_if(commands_,
                  [&ended = id](const auto& entry) { return entry.second.rollout == ended; });
  }
  forget_oldest(batch);
}

void RolloutsTable::forget_oldest(Batch& batch) {
  for (auto at = rollouts_.begin();
       at != rollouts_.end() && rollouts_.size() - open_ > kMostOver;) {
    if (at->second.machine) {
      ++at;
      continue;
    }
    batch.rollouts.insert_or_assign(at->first, std::nullopt);
    batch.rollouts_ended.insert(at->first);
    at = rollouts_.erase(at);
  }
}

}  // namespace steward::station
