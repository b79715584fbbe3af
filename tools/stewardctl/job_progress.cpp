#include "tools/stewardctl/job_progress.hpp"

#include "subjects/wire/subject.hpp"

#include <algorithm>

namespace steward::ctl {

JobProgress::JobProgress(wire::MessageId job, std::string method, std::string domain)
    : job_(job), method_(std::move(method)), domain_(std::move(domain)) {}

void JobProgress::add(UnitProgress unit) {
  by_command_[unit.command][unit.unit] = units_.size();
  units_.push_back(std::move(unit));
}

UnitProgress* JobProgress::find(std::string_view unit, const wire::MessageId& command) {
  const auto of_command = by_command_.find(command);
  if (of_command == by_command_.end()) {
    return nullptr;
  }
  const auto found = of_command->second.find(unit);
  return found == of_command->second.end() ? nullptr : &units_[found->second];
}

bool JobProgress::has(const wire::MessageId& command) const {
  return by_command_.count(command) != 0;
}

// States stand in the order of a command's life; `held` and `sent` are the station's word, not the
// unit's.
bool JobProgress::advance(UnitProgress& unit, wire::CommandState state) {
  if (state <= wire::CommandState::sent || unit.ended() || (unit.state && *unit.state >= state)) {
    return false;
  }
  unit.state = state;
  unit.given_up = false;
  return true;
}

const UnitProgress* JobProgress::apply(std::string_view name,
                                       const wire::Ack& ack,
                                       Clock::time_point at) {
  UnitProgress* unit = find(name, ack.ref);
  if (unit == nullptr) {
    return nullptr;
  }
  unit->last_word = std::max(unit->last_word, at);
  if (!advance(*unit, ack.state)) {
    return nullptr;
  }
  unit->code = ack.code;
  unit->message = ack.message;
  unit->result = ack.result;
  return unit;
}

std::vector<const UnitProgress*> JobProgress::apply(const wire::JobDetail& detail,
                                                    Clock::time_point at) {
  std::vector<const UnitProgress*> moved;
  for (const wire::JobUnit& told : detail.units) {
    UnitProgress* unit = find(told.unit, told.command);
    if (unit == nullptr) {
      continue;
    }
    if (!unit->expires) {
      unit->expires = told.expires;
    }
    if (advance(*unit, told.state)) {
      unit->last_word = std::max(unit->last_word, at);
      unit->code = told.code;
      unit->message = told.message;
      unit->result = told.result;
      moved.push_back(unit);
    }
  }
  return moved;
}

const UnitProgress* JobProgress::heard(std::string_view name,
                                       const wire::MessageId& command,
                                       Clock::time_point at) {
  UnitProgress* unit = find(name, command);
  if (unit != nullptr) {
    unit->last_word = std::max(unit->last_word, at);
  }
  return unit;
}

void JobProgress::give_up(const UnitProgress& unit) {
  if (UnitProgress* ours = find(unit.unit, unit.command); ours != nullptr) {
    ours->given_up = true;
  }
}

bool JobProgress::finished() const {
  return std::all_of(units_.begin(), units_.end(), [](const UnitProgress& unit) {
    return unit.ended() || unit.given_up;
  });
}

bool JobProgress::runs_everywhere() const {
  return std::all_of(units_.begin(), units_.end(), [](const UnitProgress& unit) {
    return unit.ended() || unit.given_up || unit.state == wire::CommandState::running;
  });
}

JobProgress::Counts JobProgress::counts() const {
  Counts counts;
  for (const UnitProgress& unit : units_) {
    counts.acked += unit.state ? 1 : 0;
    switch (unit.outcome()) {
      case Outcome::ok:
        ++counts.done;
        break;
      case Outcome::pending:
        ++counts.pending;
        break;
      case Outcome::failed:
      case Outcome::denied:
        ++counts.failed;
        break;
    }
  }
  return counts;
}

Exit JobProgress::exit() const {
  std::vector<Outcome> outcomes;
  outcomes.reserve(units_.size());
  for (const UnitProgress& unit : units_) {
    outcomes.push_back(unit.outcome());
  }
  return exit_of(outcomes);
}

UnitProgress told_unit(const wire::JobUnit& told, UnitProgress::Clock::time_point now) {
  UnitProgress unit{told.unit, told.command, now, told.expires, {}, {}, {}, {}, now};
  unit.state = told.state;
  unit.code = told.code;
  unit.message = told.message;
  unit.result = told.result;
  return unit;
}

Result<JobProgress> progress_of(const wire::JobDetail& detail,
                                wire::Timestamp now,
                                UnitProgress::Clock::time_point steady_now) {
  STEWARD_TRY(const auto subject, wire::Subject::parse(detail.job.subject));
  JobProgress progress(detail.job.job, subject.method.str(), subject.domain.str());
  const auto age = std::max(now - detail.job.created, std::chrono::microseconds(0));
  for (const wire::JobUnit& told : detail.units) {
    progress.add(
        {told.unit, told.command, steady_now - age, told.expires, {}, {}, {}, {}, steady_now});
  }
  progress.apply(detail, steady_now);
  return progress;
}

}  // namespace steward::ctl
