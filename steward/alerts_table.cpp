#include "steward/alerts_table.hpp"

#include "subjects/wire/target.hpp"
#include "subjects/wire/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace steward::station {
namespace {

using wire::AlertEvent;
using wire::AlertsRequest;

constexpr std::size_t kMostSilences = 1'000;

AlertKey key_of(const std::string& unit, const std::string& source, const wire::Alert& alert) {
  return {unit, source, alert.rule, alert.series};
}

// "critical disk: node_filesystem_avail_bytes{...}: filesystem_avail_bytes < 0.1 (0.05)"
std::string told_alert(const wire::Alert& alert) {
  return fmt::format("{} {}: {} ({}){}{}",
                     wire::word(alert.severity),
                     alert.rule,
                     alert.condition,
                     alert.value,
                     alert.series.empty() ? "" : " ",
                     alert.series);
}

// Which alerts an operator's word is about.
class Meant {
 public:
  Meant(std::string_view target, std::string rule)
      : target_(wire::Target::parse(target)), rule_(std::move(rule)) {}

  bool operator()(const std::string& unit, const std::string& rule) const {
    return target_ && target_->matches(unit) && wire::glob_matches(rule_, rule);
  }

 private:
  Result<wire::Target> target_;
  std::string rule_;
};

// A silence that is not over.
struct Quiet {
  Meant meant;
  wire::Timestamp until;
};

std::vector<Quiet> in_force(const std::map<std::string, wire::SilenceRow>& silences, Moment now) {
  std::vector<Quiet> quiet;
  for (const auto& [id, row] : silences) {
    if (row.until > now.wall) {
      quiet.push_back({Meant(row.target, row.rule), row.until});
    }
  }
  return quiet;
}

// By the silence that lasts longest.
std::optional<wire::Timestamp> silenced_until(const wire::AlertRow& row,
                                              const std::vector<Quiet>& silences) {
  std::optional<wire::Timestamp> until;
  for (const auto& silence : silences) {
    if ((!until || silence.until > *until) && silence.meant(row.unit, row.alert.rule)) {
      until = silence.until;
    }
  }
  return until;
}

}  // namespace

void AlertsTable::restore(wire::AlertRow row) {
  auto key = key_of(row.unit, row.source, row.alert);
  units_[row.unit].open.insert_or_assign(std::move(key), std::move(row));
}

void AlertsTable::restore(wire::SilenceRow row) {
  silences_.insert_or_assign(row.id, std::move(row));
}

bool AlertsTable::is_late(const Unit& unit, const AlertKey& key, std::uint64_t seq) {
  const auto of_it = unit.told.find(key);
  const auto of_all = unit.told_all.find(key.source);
  return (of_it != unit.told.end() && seq < of_it->second) ||
         (of_all != unit.told_all.end() && seq < of_all->second);
}

bool AlertsTable::take(const std::string& name,
                       const std::string& source,
                       const wire::Position& position,
                       const AlertEvent& event,
                       Moment now,
                       Batch& batch) {
  Unit& unit = units_[name];
  if (unit.epoch != position.epoch.str()) {
    unit.epoch = position.epoch.str();
    unit.told.clear();
    unit.told_all.clear();
  }
  if (event.state == AlertEvent::State::all) {
    return take_all(name, source, position.seq, event, now, batch);
  }
  const auto& alert = event.alerts.front();
  const auto key = key_of(name, source, alert);
  if (is_late(unit, key, position.seq)) {
    return true;
  }
  if (unit.told.size() >= kMostOfUnit && !unit.told.contains(key)) {
    unit.told.clear();
  }
  unit.told[key] = position.seq;
  if (event.state == AlertEvent::State::firing) {
    return put(key, alert, now, batch);
  }
  if (unit.open.contains(key)) {
    close(key,
          fmt::format("resolved {}: {}",
                      alert.rule,
                      event.reason.empty() ? fmt::format("{}", alert.value) : event.reason),
          now,
          batch);
  }
  return true;
}

bool AlertsTable::put(const AlertKey& key, const wire::Alert& alert, Moment now, Batch& batch) {
  auto& open = units_[key.unit].open;
  const auto known = open.find(key);
  if (known == open.end() && open.size() >= kMostOfUnit) {
    return false;
  }
  // What operators have said about it stays while it is the same alert.
  wire::AlertRow row{.unit = key.unit, .source = key.source, .alert = alert, .heard = now.wall};
  if (known != open.end() && known->second.alert.since == alert.since) {
    row = known->second;
    row.alert = alert;
  } else {
    batch.history.push_back({0, now.wall, key.unit, "alert", told_alert(alert)});
  }
  batch.alerts.insert_or_assign(key, row);
  open.insert_or_assign(key, std::move(row));
  return true;
}

void AlertsTable::close(const AlertKey& key, const std::string& how, Moment now, Batch& batch) {
  units_[key.unit].open.erase(key);
  batch.alerts.insert_or_assign(key, std::nullopt);
  batch.history.push_back(
      {0, now.wall, key.unit, "alert", key.series.empty() ? how : how + " " + key.series});
}

bool AlertsTable::take_all(const std::string& name,
                           const std::string& source,
                           std::uint64_t seq,
                           const AlertEvent& event,
                           Moment now,
                           Batch& batch) {
  Unit& unit = units_[name];
  if (auto& last = unit.told_all[source]; seq < std::exchange(last, std::max(last, seq))) {
    return true;
  }
  std::set<AlertKey> present;
  bool room = true;
  for (const auto& alert : event.alerts) {
    const auto key = key_of(name, source, alert);
    present.insert(key);
    const auto later = unit.told.find(key);
    if (later == unit.told.end() || later->second < seq) {
      room = put(key, alert, now, batch) && room;
    }
  }
  std::vector<AlertKey> gone;
  for (const auto& [key, row] : unit.open) {
    const auto later = unit.told.find(key);
    if (key.source == source && !present.contains(key) &&
        (later == unit.told.end() || later->second < seq)) {
      gone.push_back(key);
    }
  }
  for (const auto& key : gone) {
    close(key, "resolved " + key.rule + ": the unit has it no more", now, batch);
  }
  return room;
}

void AlertsTable::judge(const std::string& name,
                        const std::string& source,
                        const std::vector<wire::Alert>& alerts,
                        Moment now,
                        Batch& batch) {
  const auto unit = units_.find(name);
  if (unit == units_.end() && alerts.empty()) {
    return;
  }
  std::set<AlertKey> present;
  for (auto alert : alerts) {
    const auto key = key_of(name, source, alert);
    present.insert(key);
    const auto& open = units_[name].open;
    if (const auto known = open.find(key); known != open.end()) {
      alert.since = known->second.alert.since;
      if (alert == known->second.alert) {
        continue;
      }
    }
    put(key, alert, now, batch);
  }
  std::vector<AlertKey> gone;
  for (const auto& [key, row] : units_[name].open) {
    if (key.source == source && !present.contains(key)) {
      gone.push_back(key);
    }
  }
  for (const auto& key : gone) {
    close(key, "resolved " + key.rule, now, batch);
  }
}

void AlertsTable::take(const AlertsRequest& request,
                       const std::string& id,
                       const std::string& by,
                       Moment now,
                       Batch& batch) {
  if (request.op == AlertsRequest::Op::unsilence) {
    if (silences_.erase(request.id) > 0) {
      batch.silences.insert_or_assign(request.id, std::nullopt);
    }
    return;
  }
  if (request.op == AlertsRequest::Op::silence) {
    const bool known = silences_.contains(id);
    if (now.wall + request.time > now.wall && (known || silences_.size() < kMostSilences)) {
      const wire::SilenceRow row{
          id, request.target, request.rule, now.wall + request.time, by, request.note};
      silences_.insert_or_assign(id, row);
      batch.silences.insert_or_assign(id, row);
    }
    return;
  }
  const Meant meant(request.target, request.rule);
  std::vector<AlertKey> dropped;
  for (auto& [name, unit] : units_) {
    for (auto& [key, row] : unit.open) {
      if (row.heard > now.wall || !meant(name, key.rule)) {
        continue;
      }
      if (request.op == AlertsRequest::Op::drop) {
        dropped.push_back(key);
        continue;
      }
      row.acked_by = by;
      row.acked_at = now.wall;
      row.note = request.note;
      batch.alerts.insert_or_assign(key, row);
      batch.history.push_back({0, now.wall, name, "alert", "seen by " + by + ": " + key.rule});
    }
  }
  for (const auto& key : dropped) {
    close(key, "dropped by " + by + ": " + key.rule, now, batch);
  }
}

void AlertsTable::tick(Moment now, Batch& batch) {
  std::erase_if(silences_, [&now, &batch](const auto& entry) {
    if (entry.second.until > now.wall) {
      return false;
    }
    batch.silences.insert_or_assign(entry.first, std::nullopt);
    return true;
  });
}

std::vector<wire::AlertRow> AlertsTable::rows(Moment now) const {
  const auto silences = in_force(silences_, now);
  std::vector<wire::AlertRow> rows;
  for (const auto& [name, unit] : units_) {
    for (const auto& [key, row] : unit.open) {
      rows.push_back(row);
      rows.back().silenced_until = silenced_until(row, silences);
    }
  }
  return rows;
}

std::vector<wire::SilenceRow> AlertsTable::silences() const {
  std::vector<wire::SilenceRow> rows;
  for (const auto& [id, row] : silences_) {
    rows.push_back(row);
  }
  return rows;
}

std::map<std::string, FleetView::Alerts> AlertsTable::counts(Moment now) const {
  std::map<std::string, FleetView::Alerts> counts;
  for (const auto& row : rows(now)) {
    auto& of_unit = counts[row.unit];
    if (row.silenced_until) {
      ++of_unit.silenced;
    } else {
      ++of_unit.heard[static_cast<std::size_t>(row.alert.severity)];
    }
  }
  return counts;
}

}  // namespace steward::station
