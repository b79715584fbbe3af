#include "steward/unit_table.hpp"

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using wire::UnitState;

// Superseded sessions that are remembered per unit: an old one that speaks again is a conflict.
constexpr std::size_t kSupersededKept = 4;

// What a unit may say of its interval is bounded here again: a row must come due in its life.
std::chrono::milliseconds interval_of(const wire::Hello& hello) {
  return std::clamp(
      hello.interval, std::chrono::milliseconds(100), std::chrono::milliseconds(3'600'000));
}

std::chrono::milliseconds late_after(const wire::Hello& hello) {
  return interval_of(hello) * 3 / 2;
}

std::chrono::milliseconds down_after(const wire::Hello& hello) { return interval_of(hello) * 3; }

std::string handler_name(const wire::HandlerState& handler) {
  return handler.method + "." + handler.domain;
}

}  // namespace

void UnitTable::restore(wire::UnitRow row, Moment now) {
  std::string name = row.unit;
  auto& unit = units_[std::move(name)];
  unit.row = std::move(row);
  unit.heard = now.steady;
  if (unit.row.state == UnitState::conflict) {
    unit.other = Session{unit.row.other_session, now.steady};
  }
  schedule(unit);
}

UnitTable::Unit* UnitTable::find_or_add(const wire::NodeName& name, Moment now) {
  const auto at = units_.find(name.str());
  if (at != units_.end()) {
    return &at->second;
  }
  if (units_.size() >= kMostUnits) {
    return nullptr;
  }
  auto& unit = units_[name.str()];
  unit.row.unit = name.str();
  unit.row.since = now.wall;
  unit.row.source = "configuration";
  unit.heard = now.steady;
  changed_.insert(name.str());
  return &unit;
}

UnitTable::Taken UnitTable::expect(const wire::NodeName& name, Moment now) {
  return find_or_add(name, now) != nullptr ? Taken::yes : Taken::full;
}

UnitTable::Taken UnitTable::hello(const wire::NodeName& name,
                                  const wire::Hello& hello,
                                  Moment now) {
  Unit* unit = find_or_add(name, now);
  if (unit == nullptr) {
    return Taken::full;
  }
  unit->row.last_seen = now.wall;
  aged_.insert(name.str());
  if (hello.bye) {
    bye(*unit, hello, now);
  } else {
    if (hello.first || unit->row.state != UnitState::up ||
        unit->row.hello.session != hello.session) {
      returned_.push_back(name.str());
    }
    fold_session(*unit, hello.session, now);
    fold_handlers(*unit, hello, now);
    unit->row.hello = hello;
    unit->heard = now.steady;
    set_state(*unit, unit->other ? UnitState::conflict : UnitState::up, "hello", now);
  }
  schedule(*unit);
  return Taken::yes;
}

void UnitTable::bye(Unit& unit, const wire::Hello& hello, Moment now) {
  if (unit.other) {
    // One of the two leaves, the other one stays.
    if (hello.session == unit.row.hello.session) {
      unit.row.hello.session = unit.other->id;
      unit.heard = unit.other->heard;
      end_conflict(unit, "bye", now);
    } else if (hello.session == unit.other->id) {
      end_conflict(unit, "bye", now);
    }
    return;
  }
  const auto& current = unit.row.hello.session;
  if (!current.empty() && current != hello.session) {
    return;  // the bye of a session that another has superseded
  }
  unit.row.hello = hello;
  set_state(unit, UnitState::down, "bye", now);
}

// Makes the session that speaks the current one, and sees whether two speak by turns.
void UnitTable::fold_session(Unit& unit, const std::string& session, Moment now) {
  const std::string current = unit.row.hello.session;
  if (current.empty() || current == session) {
    return;
  }
  const bool back = (unit.other && unit.other->id == session) ||
                    std::any_of(unit.superseded.begin(),
                                unit.superseded.end(),
                                [&session](const Session& old) { return old.id == session; });
  if (!back) {
    unit.superseded.push_back({current, unit.heard});
    if (unit.superseded.size() > kSupersededKept) {
      unit.superseded.erase(unit.superseded.begin());
    }
    changed_.insert(unit.row.unit);
    if (!unit.other) {
      return;
    }
  }
  if (!unit.other) {
    note(unit, "conflict", "two agents speak as " + unit.row.unit, now);
  }
  unit.other = Session{current, unit.heard};
  unit.row.other_session = current;
}

void UnitTable::fold_handlers(Unit& unit, const wire::Hello& hello, Moment now) {
  const auto& old = unit.row.hello.handlers;
  // Figures change with each hello: they are in the row, but are no change to be kept.
  const bool same = std::equal(
      old.begin(), old.end(), hello.handlers.begin(), hello.handlers.end(), [](auto a, auto b) {
        a.figures.clear();
        b.figures.clear();
        return a == b;
      });
  if (same) {
    return;
  }
  changed_.insert(unit.row.unit);
  for (const auto& handler : hello.handlers) {
    const auto before = std::find_if(old.begin(), old.end(), [&handler](const auto& other) {
      return other.method == handler.method && other.domain == handler.domain;
    });
    if (before != old.end() && before->state != handler.state) {
      note(unit,
           "handler",
           handler_name(handler) + ": " + before->state + " -> " + handler.state +
               " (restarts: " + std::to_string(handler.restarts) + ")",
           now);
    }
  }
}

UnitTable::Taken UnitTable::heard(const wire::NodeName& name, Moment now) {
  Unit* unit = find_or_add(name, now);
  if (unit == nullptr) {
    return Taken::full;
  }
  unit->row.last_seen = now.wall;
  if (unit->row.state == UnitState::conflict ||
      (unit->row.state == UnitState::down && unit->row.source == "bye")) {
    return Taken::yes;  // it does not say which of the two spoke, or was still on its way
  }
  unit->heard = now.steady;
  aged_.insert(name.str());
  if (unit->row.state != UnitState::up) {
    returned_.push_back(name.str());
    set_state(*unit, UnitState::up, "ack", now);
    schedule(*unit);
  }
  return Taken::yes;
}

void UnitTable::tick(Moment now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.steady) {
    Unit& unit = *deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    unit.scheduled.reset();
    judge(unit, now);
    schedule(unit);
  }
}

void UnitTable::judge(Unit& unit, Moment now) {
  if (unit.other) {
    judge_conflict(unit, now);
  }
  const auto silence = now.steady - unit.heard;
  if (unit.row.state != UnitState::up && unit.row.state != UnitState::late) {
    return;
  }
  if (silence >= down_after(unit.row.hello)) {
    set_state(unit, UnitState::down, "silence", now);
  } else if (silence >= late_after(unit.row.hello)) {
    set_state(unit, UnitState::late, "silence", now);
  }
}

void UnitTable::judge_conflict(Unit& unit, Moment now) {
  const auto limit = down_after(unit.row.hello);
  const bool other_silent = now.steady - unit.other->heard >= limit;
  const bool current_silent = now.steady - unit.heard >= limit;
  if (current_silent && !other_silent) {
    unit.row.hello.session = unit.other->id;
    unit.heard = unit.other->heard;
  }
  if (current_silent || other_silent) {
    end_conflict(unit, "silence", now);
  }
}

// The current session is alone again, and what was superseded is forgotten: it may come back later.
void UnitTable::end_conflict(Unit& unit, std::string_view why, Moment now) {
  unit.other.reset();
  unit.superseded.clear();
  unit.row.other_session.clear();
  note(unit, "conflict", "over: one agent speaks as " + unit.row.unit, now);
  set_state(unit, UnitState::up, why, now);
}

void UnitTable::set_state(Unit& unit, UnitState state, std::string_view source, Moment now) {
  if (unit.row.state == state) {
    if (state == UnitState::up) {
      unit.row.source = source;
    }
    return;
  }
  std::string text(wire::word(unit.row.state));
  text.append(" -> ").append(wire::word(state)).append(" (").append(source).append(")");
  unit.row.state = state;
  unit.row.since = now.wall;
  unit.row.source = source;
  changed_.insert(unit.row.unit);
  note(unit, "state", std::move(text), now);
}

void UnitTable::note(const Unit& unit, std::string_view what, std::string text, Moment now) {
  changes_.push_back({0, now.wall, unit.row.unit, std::string(what), std::move(text)});
}

std::optional<UnitTable::Steady> UnitTable::deadline(const Unit& unit) const {
  switch (unit.row.state) {
    case UnitState::up:
      return unit.heard + late_after(unit.row.hello);
    case UnitState::late:
      return unit.heard + down_after(unit.row.hello);
    case UnitState::conflict:
      return std::min(unit.heard, unit.other ? unit.other->heard : unit.heard) +
             down_after(unit.row.hello);
    case UnitState::down:
    case UnitState::never:
      return std::nullopt;
  }
  return std::nullopt;
}

// A deadline that has moved away stays where it is: the unit is looked at once too often then,
// which is cheaper than moving it at each sign of life.
void UnitTable::schedule(Unit& unit) {
  const auto due = deadline(unit);
  if (!due || (unit.scheduled && *unit.scheduled <= *due)) {
    return;
  }
  if (unit.scheduled) {
    deadlines_.erase({*unit.scheduled, &unit});
  }
  unit.scheduled = due;
  deadlines_.insert({*due, &unit});
}

std::optional<UnitTable::Steady> UnitTable::next_deadline() const {
  if (deadlines_.empty()) {
    return std::nullopt;
  }
  return deadlines_.begin()->first;
}

void UnitTable::take_changes(Batch& batch) {
  for (auto& change : changes_) {
    batch.history.push_back(std::move(change));
  }
  changes_.clear();
  for (const auto& name : changed_) {
    batch.units.insert_or_assign(name, units_.find(name)->second.row);
  }
  changed_.clear();
}

void UnitTable::take_ages(Batch& batch) {
  for (const auto& name : aged_) {
    batch.units.insert_or_assign(name, units_.find(name)->second.row);
  }
  aged_.clear();
}

bool UnitTable::is_there(std::string_view name) const {
  const auto* row = find(name);
  return row != nullptr && row->state != UnitState::down && row->state != UnitState::never;
}

const wire::UnitRow* UnitTable::find(std::string_view unit) const {
  const auto at = units_.find(unit);
  return at == units_.end() ? nullptr : &at->second.row;
}

std::vector<std::string> UnitTable::names() const {
  std::vector<std::string> names;
  names.reserve(units_.size());
  for (const auto& [name, unit] : units_) {
    names.push_back(name);
  }
  return names;
}

void UnitTable::visit(const std::function<void(const wire::UnitRow&)>& see) const {
  for (const auto& [name, unit] : units_) {
    see(unit.row);
  }
}

std::map<wire::UnitState, std::int64_t> UnitTable::counts() const {
  std::map<wire::UnitState, std::int64_t> counts;
  for (const auto& [name, unit] : units_) {
    ++counts[unit.row.state];
  }
  return counts;
}

}  // namespace steward::station
