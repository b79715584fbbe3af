#include "steward/command_tracker.hpp"

#include "steward/summary.hpp"
#include "subjects/wire/target.hpp"

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using wire::CommandState;

// How far a command is; one that has ended is furthest.
int progress(CommandState state) {
  switch (state) {
    case CommandState::held:
      return 0;
    case CommandState::sent:
      return 1;
    case CommandState::accepted:
      return 2;
    case CommandState::queued:
      return 3;
    case CommandState::running:
      return 4;
    default:
      return 5;
  }
}

bool may_follow(const TrackedCommand::OnUnit& now, CommandState next, SaidBy next_said_by) {
  if (wire::is_terminal(now.state)) {
    return now.said_by == SaidBy::station && next_said_by == SaidBy::unit &&
           wire::is_terminal(next);
  }
  if (wire::is_terminal(next) && next_said_by == SaidBy::station) {
    // A presumption, where the unit has said nothing; `expired` may repeat a recorded one, too.
    return progress(now.state) <= progress(CommandState::sent) || next == CommandState::expired;
  }
  return progress(next) > progress(now.state);
}

std::int64_t& counter(wire::CommandCounts& counts, CommandState state) {
  if (!wire::is_terminal(state)) {
    return counts.open;
  }
  return state == CommandState::done ? counts.done : counts.failed;
}

std::string service_of_subject(const wire::Subject& subject) {
  return subject.method.str() + "." + subject.domain.str();
}

// The units of a broadcast: those that its target names, whether they are known or not; where it
// is none that can be read, or none of names alone, the known ones that are meant.
std::vector<std::string> meant(const wire::Envelope& envelope,
                               const std::vector<std::string>& known_units) {
  if (!envelope.subject.is_broadcast()) {
    return {envelope.subject.node->str()};
  }
  if (envelope.target.empty()) {
    return known_units;
  }
  const auto target = wire::Target::parse(envelope.target);
  if (!target) {
    return known_units;
  }
  auto names = target->names();
  return names ? *std::move(names) : target->resolve(known_units).units;
}

}  // namespace

void CommandTracker::restore(TrackedCommand command) {
  const auto id = command.id;
  const auto [at, added] = commands_.emplace(id, std::move(command));
  if (!added) {
    return;
  }
  auto& kept = at->second;
  kept.open = static_cast<std::size_t>(
      std::count_if(kept.units.begin(), kept.units.end(), [](const auto& unit) {
        return !wire::is_terminal(unit.second.state);
      }));
  kept.unheard = static_cast<std::size_t>(
      std::count_if(kept.units.begin(), kept.units.end(), [](const auto& unit) {
        return unit.second.state == CommandState::sent;
      }));
  const bool is_held = std::any_of(kept.units.begin(), kept.units.end(), [](const auto& unit) {
    return unit.second.state == CommandState::held;
  });
  kept.described = kept.described && !is_held;  // it was described by a rollout, not published yet
  if (kept.open == 0) {
    finish(kept);
  } else if (kept.expires) {
    expiries_.insert({*kept.expires, id});
  }
}

void CommandTracker::restore_counts(std::string unit, wire::CommandCounts counts) {
  unit_counts_.insert_or_assign(std::move(unit), counts);
}

TrackedCommand& CommandTracker::known(const wire::Envelope& envelope) {
  const auto job = envelope.job.value_or(envelope.id);
  auto& command =
      commands_.emplace(envelope.id, TrackedCommand{envelope.id, job, {}, false, false, {}, 0})
          .first->second;
  if (!command.described) {
    command.service = service_of_subject(envelope.subject);
    command.to_all = envelope.subject.is_broadcast();
    command.expires = envelope.expires;
  }
  return command;
}

void CommandTracker::hold(const wire::Envelope& envelope,
                          std::string_view payload,
                          Moment now,
                          Batch& batch) {
  if (knows(envelope.id)) {
    return;
  }
  auto& command = known(envelope);
  auto described = describe(payload);
  batch.bytes += described.payload.size();
  batch.commands.push_back({.id = envelope.id,
                            .job = command.job,
                            .subject = envelope.subject.str(),
                            .summary = std::move(described.summary),
                            .by = envelope.source.str(),
                            .payload = std::move(described.payload),
                            .created = envelope.time,
                            .expires = envelope.expires,
                            .repeats = envelope.ref,
                            .is_held = true});
  const std::string unit = envelope.subject.node->str();
  advance(command, {unit, CommandState::held, SaidBy::station}, now, batch);
  if (envelope.expires) {
    expiries_.insert({*envelope.expires, envelope.id});
  }
}

void CommandTracker::withdraw(const wire::MessageId& id,
                              std::string_view unit,
                              std::string_view why,
                              Moment now,
                              Batch& batch) {
  const auto at = commands_.find(id);
  if (at == commands_.end()) {
    return;
  }
  const auto on_unit = at->second.units.find(unit);
  if (on_unit != at->second.units.end() && on_unit->second.state == CommandState::held) {
    advance(at->second, {unit, CommandState::cancelled, SaidBy::station, nullptr, why}, now, batch);
  }
}

CommandTracker::Seen CommandTracker::command(const wire::Envelope& envelope,
                                             std::string_view payload,
                                             const std::vector<std::string>& known_units,
                                             Moment now,
                                             Batch& batch) {
  auto& command = known(envelope);
  if (command.described) {
    return Seen::again;
  }
  command.described = true;
  auto described = describe(payload);
  batch.bytes += described.payload.size();
  batch.history.push_back(
      {0,
       now.wall,
       command.to_all ? std::string() : envelope.subject.node->str(),
       "command",
       envelope.subject.str() + " by " + envelope.source.str() + ": " + described.summary});
  batch.commands.push_back({envelope.id,
                            command.job,
                            envelope.subject.str(),
                            std::move(described.summary),
                            envelope.source.str(),
                            std::move(described.payload),
                            envelope.time,
                            envelope.expires,
                            envelope.ref});
  const auto units = meant(envelope, known_units);
  for (const auto& unit : units) {
    const auto at = command.units.find(unit);
    if (at == command.units.end() || at->second.state == CommandState::held) {
      advance(command, {unit, CommandState::sent, SaidBy::station}, now, batch);
    }
  }
  if (command.units.empty()) {
    finish(command);  // a broadcast that nobody is known to have heard
  } else if (envelope.expires && command.open > 0) {
    expiries_.insert({*envelope.expires, envelope.id});
  }
  if (described.cancels) {
    cancel(*described.cancels, envelope, units, now, batch);
  }
  return Seen::first_time;
}

bool CommandTracker::is_unheard(const wire::MessageId& id) const {
  const auto at = commands_.find(id);
  return at != commands_.end() && at->second.unheard > 0;
}

void CommandTracker::cancel(const wire::MessageId& id,
                            const wire::Envelope& cancel,
                            const std::vector<std::string>& units,
                            Moment now,
                            Batch& batch) {
  const auto at = commands_.find(id);
  if (at == commands_.end() || at->second.service != service_of_subject(cancel.subject)) {
    return;
  }
  for (const auto& unit : units) {
    withdraw(id, unit, "cancelled before its turn in the rollout", now, batch);
    const auto on_unit = at->second.units.find(unit);
    if (on_unit != at->second.units.end() && on_unit->second.state == CommandState::sent) {
      withheld_.insert({now.wall + kCancelGrace, {id, unit}});
      batch.withheld.emplace_back(id, unit);
    }
  }
}

void CommandTracker::ack(const wire::Ack& ack,
                         const wire::Subject& subject,
                         const std::optional<wire::MessageId>& job,
                         Recorded recorded,
                         Moment now,
                         Batch& batch) {
  auto at = commands_.find(ack.ref);
  if (at == commands_.end()) {
    at = commands_
             .emplace(ack.ref,
                      TrackedCommand{ack.ref, job.value_or(ack.ref), {}, false, false, {}, 0})
             .first;
    const std::string domain = ack.domain.empty() ? subject.domain.str() : ack.domain;
    batch.commands.push_back(
        {ack.ref,
         at->second.job,
         subject.node->str() + ".command." + subject.domain.str() + "." + domain,
         "(not seen, only its ACKs)",
         {},
         {},
         now.wall,
         {}});
  }
  const bool never_begun = ack.state == CommandState::refused || ack.state == CommandState::expired;
  const bool presumed = recorded == Recorded::no && never_begun;
  const auto said_by = presumed ? SaidBy::station : SaidBy::unit;
  advance(at->second, {subject.node->str(), ack.state, said_by, &ack}, now, batch);
}

void CommandTracker::advance(TrackedCommand& command, const Step& step, Moment now, Batch& batch) {
  const auto at = command.units.find(step.unit);
  std::optional<CommandState> before;
  if (at != command.units.end()) {
    if (!may_follow(at->second, step.state, step.said_by)) {
      return;
    }
    before = at->second.state;
    at->second = {step.state, step.said_by};
  } else {
    command.units.emplace(step.unit, TrackedCommand::OnUnit{step.state, step.said_by});
  }
  StepRecord record{
      command.id, std::string(step.unit), step.state, now.wall, step.said_by, {}, {}, {}};
  count_unheard(command, before, step.state, batch);
  if (step.ack != nullptr) {
    record.code = step.ack->code;
    record.message = step.ack->message;
    record.result = step.ack->result;
    batch.bytes += record.result.size() + record.message.size();
  } else if (step.state == CommandState::expired) {
    record.code = word(ErrorCode::expired);
    record.message = before == CommandState::held ? "its time passed before its turn in the rollout"
                                                  : "its time passed without a word from the unit";
  } else if (!step.why.empty()) {
    record.message = step.why;
  } else if (step.state == CommandState::cancelled) {
    record.message = "cancelled before the unit had it";
  }
  batch.steps.push_back(std::move(record));
  count(command, step.unit, before, step.state, batch);
  const bool was_open = before && !wire::is_terminal(*before);
  const bool is_open = !wire::is_terminal(step.state);
  command.open += is_open ? 1 : 0;
  command.open -= was_open ? 1 : 0;
  if (command.open == 0 && (was_open || !before)) {
    finish(command);
  }
}

void CommandTracker::count_unheard(TrackedCommand& command,
                                   std::optional<CommandState> before,
                                   CommandState after,
                                   Batch& batch) {
  if (after == CommandState::sent) {
    ++command.unheard;
  }
  // One that was answered before it was ever committed is never written.
  if (before == CommandState::sent && --command.unheard == 0 &&
      batch.undelivered.erase(command.id) == 0) {
    batch.delivered.insert(command.id);
  }
}

void CommandTracker::count(const TrackedCommand& command,
                           std::string_view unit,
                           std::optional<CommandState> before,
                           CommandState after,
                           Batch& batch) {
  wire::CommandCounts change;
  if (before) {
    --counter(change, *before);
  }
  ++counter(change, after);
  const auto add = [&change](wire::CommandCounts& counts) {
    counts.open += change.open;
    counts.done += change.done;
    counts.failed += change.failed;
  };
  std::string name(unit);
  add(unit_counts_[name]);
  add(batch.unit_counts[std::move(name)].commands);
  auto& job = batch.job_counts[command.job];
  job.units += before ? 0 : 1;
  add(job.commands);
}

void CommandTracker::finish(const TrackedCommand& command) {
  if (command.expires) {
    expiries_.erase({*command.expires, command.id});
  }
  finished_.emplace_back(command.id, command.units.size());
  finished_pairs_ += command.units.size();
}

void CommandTracker::tick(Moment now, Batch& batch) {
  while (!expiries_.empty() && expiries_.begin()->first + kExpiryGrace <= now.wall) {
    const auto id = expiries_.begin()->second;
    expiries_.erase(expiries_.begin());
    auto& command = commands_.at(id);
    for (const auto& [unit, on_unit] : command.units) {
      if (progress(on_unit.state) <= progress(CommandState::sent)) {
        advance(command, {unit, CommandState::expired, SaidBy::station}, now, batch);
      }
    }
  }
  while (!withheld_.empty() && withheld_.begin()->first <= now.wall) {
    const auto [id, unit] = withheld_.begin()->second;
    withheld_.erase(withheld_.begin());
    const auto command = commands_.find(id);
    if (command != commands_.end() && command->second.units.at(unit).state == CommandState::sent) {
      advance(command->second, {unit, CommandState::cancelled, SaidBy::station}, now, batch);
    }
  }
}

void CommandTracker::settle() {
  while (finished_pairs_ > kFinishedKept && !finished_.empty()) {
    const auto [id, pairs] = finished_.front();
    finished_.pop_front();
    finished_pairs_ -= pairs;
    const auto at = commands_.find(id);
    if (at != commands_.end() && at->second.open == 0) {
      commands_.erase(at);
    }
  }
}

std::optional<CommandState> CommandTracker::state_of(const wire::MessageId& id,
                                                     std::string_view unit) const {
  const auto at = commands_.find(id);
  if (at == commands_.end()) {
    return std::nullopt;
  }
  const auto on_unit = at->second.units.find(unit);
  return on_unit == at->second.units.end() ? std::nullopt : std::optional(on_unit->second.state);
}

wire::CommandCounts CommandTracker::counts(std::string_view unit) const {
  const auto at = unit_counts_.find(unit);
  return at == unit_counts_.end() ? wire::CommandCounts{} : at->second;
}

}  // namespace steward::station
