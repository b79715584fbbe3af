// What the station says of itself and its fleet to other threads.

#include "steward/station.hpp"
#include "steward/version.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace steward::station {

std::optional<FleetView> Station::view(FleetScope scope, std::chrono::milliseconds patience) {
  const auto promise = std::make_shared<std::promise<FleetView>>();
  auto answer = promise->get_future();
  if (!loop_.post([this, promise, scope = std::move(scope)] { promise->set_value(look(scope)); }) ||
      answer.wait_for(patience) != std::future_status::ready) {
    return std::nullopt;
  }
  return answer.get();
}

FleetView Station::look(const FleetScope& scope) const {
  FleetView view;
  view.station = settings_.name.str();
  view.version = kVersion;
  const auto add = [this, &view](const wire::UnitRow& row) {
    view.units.push_back(row);
    view.units.back().commands = fold_.commands().counts(row.unit);
  };
  if (scope.units == FleetScope::Units::all) {
    view.units.reserve(fold_.units().size());
    fold_.units().visit(add);
  } else if (const auto* row = fold_.units().find(scope.name);
             row != nullptr && scope.units == FleetScope::Units::one) {
    add(*row);
  }
  view.alerts = fold_.alerts().counts(now());
  view.figures = figures();
  if (!link_up_) {
    view.troubles.push_back("no link to the broker: " + bus_.status().last_error);
  } else if (!following_->caught_up()) {
    view.troubles.emplace_back("not all that the streams hold has been read yet");
  }
  if (disk_failing_) {
    view.troubles.emplace_back("station.db cannot be written");
  }
  return view;
}

// What was asked over the bus, and what units have made of it; of what is committed.
void Station::tell_audit(const Batch& batch) {
  if (audit_ == nullptr) {
    return;
  }
  for (const auto& command : batch.commands) {
    if (!command.by.empty() && !command.is_held) {
      audit_->write({.at = clock_.now(),
                     .kind = "asked",
                     .id = command.id.str(),
                     .by = command.by,
                     .subject = command.subject,
                     .verdict = "relayed",
                     .summary = command.summary});
    }
  }
  for (const auto& step : batch.steps) {
    if (wire::is_terminal(step.state)) {
      audit_->write({.at = clock_.now(),
                     .kind = "ended",
                     .id = step.command.str(),
                     .unit = step.unit,
                     .verdict = step.code.empty() ? std::string(word(step.state)) : step.code,
                     .summary = std::string(word(step.state))});
    }
  }
}

std::vector<FleetView::Figure> Station::figures() const {
  const auto& counts = fold_.counts();
  const auto metrics = metrics_.counts();
  const auto link = bus_.status();
  const auto number = [](auto value) { return static_cast<double>(value); };
  const auto dropped = inbox_.dropped() + query_inbox_.dropped() + following_->dropped();
  const std::chrono::duration<double> uptime = clock_.steady() - started_;
  std::vector<FleetView::Figure> figures{
      {"steward_station_acting", false, acting() ? 1.0 : 0.0},
      {"steward_station_link_up", false, link_up_ ? 1.0 : 0.0},
      {"steward_station_link_connects_total", true, number(link.connects)},
      {"steward_station_uptime_seconds", false, uptime.count()},
      {"steward_station_units", false, number(fold_.units().size())},
      {"steward_station_commands_kept", false, number(fold_.commands().size())},
      {"steward_station_commands_undelivered", false, number(courier_.undelivered())},
      {"steward_station_commands_sent_again_total", true, number(courier_.sent_again())},
      {"steward_station_messages_total", true, number(counts.folded)},
      {"steward_station_messages_malformed_total", true, number(counts.malformed)},
      {"steward_station_messages_repeated_total", true, number(counts.repeated)},
      {"steward_station_messages_refused_total", true, number(counts.refused)},
      {"steward_station_messages_dropped_total", true, number(dropped)},
      {"steward_station_reboots_waiting",
       false,
       number(fold_.leases().count(wire::LeaseState::waiting))},
      {"steward_station_reboots_granted",
       false,
       number(fold_.leases().count(wire::LeaseState::held))},
      {"steward_station_reboots_overdue",
       false,
       number(fold_.leases().count(wire::LeaseState::overdue))},
      {"steward_station_commits_total", true, number(totals_.commits)},
      {"steward_station_commits_failed_total", true, number(totals_.failed_commits)},
      {"steward_station_db_bytes", false, number(store_.bytes())},
      {"steward_station_metrics_rounds_total", true, number(metrics.rounds)},
      {"steward_station_metrics_incomplete_total", true, number(metrics.incomplete)},
      {"steward_station_metrics_garbled_total", true, number(metrics.garbled)},
      {"steward_station_metrics_refused_total", true, number(metrics.refused)},
      {"steward_station_metrics_late_total", true, number(metrics.late)},
      {"steward_station_metrics_series", false, number(metrics.series)},
  };
  if (const auto logs = hand_ons_ ? hand_ons_() : std::vector<HandOnFigures>(); !logs.empty()) {
    HandOnFigures all;
    for (const auto& each : logs) {
      all.lines += each.lines;
      all.errors += each.errors;
      all.lag = std::max(all.lag, each.lag);
    }
    figures.push_back({"steward_station_logs_lines_total", true, number(all.lines)});
    figures.push_back({"steward_station_logs_errors_total", true, number(all.errors)});
    figures.push_back({"steward_station_logs_lag_seconds",
                       false,
                       std::chrono::duration<double>(all.lag).count()});
  }
  if (link.rtt) {
    figures.push_back({"steward_station_link_rtt_seconds",
                       false,
                       std::chrono::duration<double>(*link.rtt).count()});
  }
  return figures;
}

}  // namespace steward::station
