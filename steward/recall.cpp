#include "steward/recall.hpp"

#include <algorithm>

namespace steward::station {

void Recall::step(const wire::MessageId& command,
                  const std::string& name,
                  wire::CommandState state,
                  Moment now) {
  if (state == wire::CommandState::held || state == wire::CommandState::sent) {
    return;
  }
  if (!wire::is_terminal(state)) {
    units_[name].open[command] = now.steady;
    return;
  }
  const auto unit = units_.find(name);
  if (unit == units_.end()) {
    return;
  }
  unit->second.open.erase(command);
  if (unit->second.open.empty()) {
    units_.erase(unit);
  }
}

std::vector<wire::MessageId> Recall::hello(const Hello& hello, Moment now) {
  const auto at = units_.find(hello.unit);
  if (at == units_.end()) {
    return {};
  }
  auto& unit = at->second;
  const bool fewer = hello.ledger_open < static_cast<std::int64_t>(unit.open.size());
  // What stands in its outbox may be just the words that are missing here.
  if (!fewer || hello.outbox_depth > 0) {
    unit.fewer_since.reset();
    unit.patience = kPatience;
    return {};
  }
  if (!unit.fewer_since) {
    unit.fewer_since = now.steady;
  }
  if (now.steady - *unit.fewer_since < unit.patience) {
    return {};
  }
  unit.fewer_since = now.steady;
  unit.patience = std::min(unit.patience * 2, kLongest);
  return silent_ones(unit, now);
}

// By turns, so that those which the unit knows well do not hide the others.
std::vector<wire::MessageId> Recall::silent_ones(Unit& unit, Moment now) {
  std::vector<wire::MessageId> refs;
  const auto take = [&](auto from, auto to) {
    for (; from != to && refs.size() < kMostRefs; ++from) {
      if (now.steady - from->second >= kPatience) {
        refs.push_back(from->first);
      }
    }
  };
  const auto begin =
      unit.asked_up_to ? unit.open.upper_bound(*unit.asked_up_to) : unit.open.begin();
  take(begin, unit.open.end());
  take(unit.open.begin(), begin);
  if (!refs.empty()) {
    unit.asked_up_to = refs.back();
  }
  return refs;
}

}  // namespace steward::station
