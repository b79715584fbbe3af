#include "steward/daemons_table.hpp"

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using wire::DaemonEvent;

DaemonKey key_of(const wire::UnitDaemon& daemon) {
  return {daemon.unit, daemon.domain, daemon.daemon.name};
}

// "web is backoff: ended with exit code 7"
std::string told(const DaemonEvent& event) {
  const auto& row = event.daemons.front();
  switch (event.type) {
    case DaemonEvent::Type::exit: {
      const auto exit = row.last_exit.value_or(wire::DaemonExit{});
      return row.name + (exit.exit_code        ? " ended with " + std::to_string(*exit.exit_code)
                         : exit.signal.empty() ? " ended, nobody knows how"
                                               : " ended by " + exit.signal);
    }
    case DaemonEvent::Type::removed:
      return row.name + " is removed";
    case DaemonEvent::Type::state:
    case DaemonEvent::Type::all:
      break;
  }
  return row.name + " is " + std::string(wire::word(row.state)) +
         (row.reason.empty() ? "" : ": " + row.reason);
}

}  // namespace

void DaemonsTable::restore(wire::UnitDaemon daemon) {
  auto key = key_of(daemon);
  daemons_.insert_or_assign(std::move(key), std::move(daemon));
}

bool DaemonsTable::is_late(const DaemonKey& key, const wire::Position& position) const {
  const auto known = daemons_.find(key);
  return known != daemons_.end() && known->second.epoch == position.epoch.str() &&
         known->second.seq > position.seq;
}

void DaemonsTable::put(const DaemonKey& key,
                       const wire::Position& position,
                       const wire::DaemonRow& row,
                       Moment now,
                       Batch& batch) {
  if (is_late(key, position)) {
    return;
  }
  wire::UnitDaemon daemon{key.unit, key.domain, row, now.wall, position.epoch.str(), position.seq};
  const auto known = daemons_.find(key);
  if (!row.last_exit && known != daemons_.end()) {
    daemon.daemon.last_exit = known->second.daemon.last_exit;
  }
  batch.daemons.insert_or_assign(key, daemon);
  daemons_.insert_or_assign(key, std::move(daemon));
}

void DaemonsTable::drop_others(const std::string& unit,
                               const std::string& domain,
                               const wire::Position& position,
                               const DaemonEvent& all,
                               Batch& batch) {
  auto at = daemons_.lower_bound({unit, domain, ""});
  while (at != daemons_.end() && at->first.unit == unit && at->first.domain == domain) {
    const auto& name = at->first.name;
    const bool is_meant = name > all.behind && (all.up_to.empty() || name <= all.up_to);
    const bool is_there =
        !is_meant || std::any_of(all.daemons.begin(),
                                 all.daemons.end(),
                                 [&name](const wire::DaemonRow& row) { return row.name == name; });
    if (is_there || is_late(at->first, position)) {
      ++at;
    } else {
      batch.daemons.insert_or_assign(at->first, std::nullopt);
      at = daemons_.erase(at);
    }
  }
}

// It says more of the same state, as what the daemon has said at its end.
bool DaemonsTable::is_known(const std::string& unit,
                            const std::string& domain,
                            const DaemonEvent& event) const {
  const auto& row = event.daemons.front();
  const auto known = daemons_.find({unit, domain, row.name});
  return event.type == DaemonEvent::Type::state && known != daemons_.end() &&
         known->second.daemon.state == row.state && known->second.daemon.reason == row.reason;
}

void DaemonsTable::take(const std::string& unit,
                        const std::string& domain,
                        const wire::Position& position,
                        const DaemonEvent& event,
                        Moment now,
                        Batch& batch) {
  if (event.type == DaemonEvent::Type::all) {
    drop_others(unit, domain, position, event, batch);
  } else if (!is_known(unit, domain, event)) {
    batch.history.push_back({0, now.wall, unit, "daemon", told(event)});
  }
  for (const auto& row : event.daemons) {
    const DaemonKey key{unit, domain, row.name};
    if (event.type != DaemonEvent::Type::removed) {
      put(key, position, row, now, batch);
    } else if (!is_late(key, position) && daemons_.erase(key) != 0) {
      batch.daemons.insert_or_assign(key, std::nullopt);
    }
  }
}

std::vector<wire::UnitDaemon> DaemonsTable::rows(const std::vector<std::string>& units) const {
  std::vector<wire::UnitDaemon> rows;
  for (const auto& unit : units) {
    for (auto at = daemons_.lower_bound({unit, "", ""});
         at != daemons_.end() && at->first.unit == unit;
         ++at) {
      rows.push_back(at->second);
    }
  }
  return rows;
}

}  // namespace steward::station
