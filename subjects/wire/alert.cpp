#include "subjects/wire/alert.hpp"

#include "subjects/wire/fields.hpp"
#include "subjects/wire/query_fields.hpp"
#include "subjects/wire/target.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 3> kSeverities{"info", "warning", "critical"};
constexpr std::array<std::string_view, 3> kAlertStates{"firing", "resolved", "all"};
constexpr std::array<std::string_view, 4> kAlertOps{"ack", "silence", "unsilence", "drop"};
constexpr std::size_t kLongestAlertText = 1'024;

std::string read_alert_text(Fields& fields, std::string_view name) {
  auto text = fields.text(name);
  if (text.size() > kLongestAlertText) {
    fields.fail(ErrorCode::bad_payload, name, "has more than 1024 bytes");
  }
  return text;
}

void write_alert(const Alert& alert, json& out) {
  out["rule"] = alert.rule;
  if (!alert.series.empty()) {
    out["series"] = alert.series;
  }
  out["severity"] = word(alert.severity);
  out["condition"] = alert.condition;
  out["value"] = alert.value;
  out["since"] = format_time(alert.since);
}

Alert read_alert(Fields& fields) {
  Alert alert;
  alert.rule = fields.required_text("rule");
  if (!is_rule_name(alert.rule)) {
    fields.fail(ErrorCode::bad_payload, "rule", "must be 1 to 64 of A-Z a-z 0-9 _ - .");
  }
  alert.series = read_alert_text(fields, "series");
  alert.severity = static_cast<Severity>(fields.choice("severity", kSeverities, 1));
  alert.condition = read_alert_text(fields, "condition");
  alert.value = fields.number("value", 0);
  if (!std::isfinite(alert.value)) {
    fields.fail(ErrorCode::bad_payload, "value", "must be a finite number");
  }
  alert.since = read_required_time(fields, "since");
  return alert;
}

AlertEvent read_alert_event(Fields& fields) {
  AlertEvent event;
  fields.required_text("state");
  event.state = static_cast<AlertEvent::State>(fields.choice("state", kAlertStates, 0));
  if (event.state != AlertEvent::State::all) {
    event.alerts.push_back(read_alert(fields));
    event.reason = read_alert_text(fields, "reason");
    return event;
  }
  fields.objects("alerts", [&event](Fields& one) { event.alerts.push_back(read_alert(one)); });
  if (event.alerts.size() > kMostAlerts) {
    fields.fail(ErrorCode::bad_payload, "alerts", "has more than 256 items");
  }
  return event;
}

AlertRow read_alert_row(Fields& fields) {
  AlertRow row;
  row.alert = read_alert(fields);
  row.unit = read_node(fields, "unit");
  row.source = fields.required_text("source");
  row.heard = read_required_time(fields, "heard");
  row.acked_by = fields.text("acked_by");
  row.acked_at = read_time(fields, "acked_at");
  row.note = fields.text("note");
  row.silenced_until = read_time(fields, "silenced_until");
  return row;
}

// Names only: what units are may change while a silence lasts.
std::string read_alert_target(Fields& fields) {
  auto target = fields.required_text("target");
  if (auto parsed = Target::parse(target); !parsed) {
    fields.fail(ErrorCode::bad_payload, "target", "must be names of units, ranges or globs");
  }
  return target;
}

AlertsRequest read_alerts_request(Fields& fields) {
  AlertsRequest request;
  fields.required_text("op");
  request.op = static_cast<AlertsRequest::Op>(fields.choice("op", kAlertOps, 0));
  if (request.op == AlertsRequest::Op::unsilence) {
    request.id = read_id(fields, "id").str();
    return request;
  }
  request.target = read_alert_target(fields);
  request.rule = fields.text("rule", "*");
  if (request.rule.empty() || request.rule.size() > 2 * kLongestRuleName) {
    fields.fail(ErrorCode::bad_payload, "rule", "must be 1 to 128 bytes");
  }
  if (request.op != AlertsRequest::Op::drop) {
    request.note = read_alert_text(fields, "note");
  }
  if (request.op == AlertsRequest::Op::silence) {
    constexpr std::chrono::milliseconds kShortest{1'000};
    request.time = fields.milliseconds("for_ms", std::chrono::hours(1), kShortest, kLongestSilence);
  }
  return request;
}

}  // namespace

std::string_view word(Severity severity) { return kSeverities[static_cast<std::size_t>(severity)]; }

std::string encode(const AlertEvent& event) {
  json out{{"state", kAlertStates[static_cast<std::size_t>(event.state)]}};
  if (event.state == AlertEvent::State::all) {
    json& alerts = out["alerts"] = json::array();
    for (const auto& alert : event.alerts) {
      write_alert(alert, alerts.emplace_back(json::object()));
    }
    return dump_json(out);
  }
  write_alert(event.alerts.front(), out);
  if (!event.reason.empty()) {
    out["reason"] = event.reason;
  }
  return dump_json(out);
}

Result<AlertEvent> decode_alert_event(std::string_view payload) {
  return decode_object(payload, &read_alert_event);
}

std::string encode(const AlertRow& row) {
  json out{{"unit", row.unit}, {"source", row.source}, {"heard", format_time(row.heard)}};
  write_alert(row.alert, out);
  if (!row.acked_by.empty()) {
    out["acked_by"] = row.acked_by;
  }
  if (row.acked_at) {
    out["acked_at"] = format_time(*row.acked_at);
  }
  if (!row.note.empty()) {
    out["note"] = row.note;
  }
  if (row.silenced_until) {
    out["silenced_until"] = format_time(*row.silenced_until);
  }
  return dump_json(out);
}

Result<AlertRow> decode_alert_row(std::string_view text) {
  return decode_object(text, &read_alert_row);
}

std::string encode(const SilenceRow& row) {
  json out{{"id", row.id},
           {"target", row.target},
           {"rule", row.rule},
           {"until", format_time(row.until)},
           {"by", row.by}};
  if (!row.note.empty()) {
    out["note"] = row.note;
  }
  return dump_json(out);
}

Result<SilenceRow> decode_silence_row(std::string_view text) {
  return decode_object(text, [](Fields& fields) {
    return SilenceRow{read_id(fields, "id").str(),
                      read_alert_target(fields),
                      fields.required_text("rule"),
                      read_required_time(fields, "until"),
                      fields.text("by"),
                      fields.text("note")};
  });
}

std::string encode(const AlertsRequest& request) {
  json out{{"op", kAlertOps[static_cast<std::size_t>(request.op)]}};
  if (request.op == AlertsRequest::Op::unsilence) {
    out["id"] = request.id;
    return dump_json(out);
  }
  out["target"] = request.target;
  out["rule"] = request.rule;
  if (!request.note.empty()) {
    out["note"] = request.note;
  }
  if (request.op == AlertsRequest::Op::silence) {
    out["for_ms"] = request.time.count();
  }
  return dump_json(out);
}

Result<AlertsRequest> decode_alerts_request(std::string_view payload) {
  return decode_object(payload, &read_alerts_request);
}

}  // namespace steward::wire
