// How daemons are, as their unit tells it.

#include "subjects/wire/daemon.hpp"
#include "subjects/wire/process_fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 8> kStates{
    "stopped", "waiting", "starting", "ready", "backoff", "stopping", "failed", "unhealthy"};
constexpr std::array<std::string_view, 4> kDaemonEventTypes{"state", "exit", "removed", "all"};

std::optional<Timestamp> read_given_time(Fields& fields, std::string_view name) {
  const auto text = fields.text(name);
  if (text.empty()) {
    return std::nullopt;
  }
  const auto time = parse_time(text);
  if (!time) {
    fields.fail(ErrorCode::bad_payload, name, "is no time");
    return std::nullopt;
  }
  return *time;
}

json exit_json(const DaemonExit& exit) {
  json out = {{"started", format_time(exit.started)}, {"ended", format_time(exit.ended)}};
  if (exit.exit_code) {
    out["exit_code"] = *exit.exit_code;
  }
  put(out, "signal", exit.signal, std::string());
  put(out, "core_dumped", exit.core_dumped, false);
  put(out, "last_log", exit.last_log, std::string());
  put(out, "cause", exit.cause, std::string());
  return out;
}

DaemonExit read_exit(Fields& fields) {
  DaemonExit exit;
  exit.started = read_given_time(fields, "started").value_or(Timestamp());
  exit.ended = read_given_time(fields, "ended").value_or(Timestamp());
  exit.exit_code = fields.optional_integer("exit_code", 0, 255);
  exit.signal = fields.text("signal");
  exit.core_dumped = fields.boolean("core_dumped", false);
  exit.last_log = fields.text("last_log");
  exit.cause = fields.text("cause");
  return exit;
}

json row_json(const DaemonRow& row) {
  json out = {{"name", row.name},
              {"state", word(row.state)},
              {"wanted", row.wanted ? "up" : "down"},
              {"version", row.version},
              {"restarts", row.restarts}};
  put(out, "reason", row.reason, std::string());
  put(out, "pid", row.pid, std::int64_t{0});
  if (row.since) {
    out["since"] = format_time(*row.since);
  }
  put(out, "status", row.status, std::string());
  put(out, "systemd_unit", row.unit, std::string());
  if (row.last_exit) {
    out["last_exit"] = exit_json(*row.last_exit);
  }
  return out;
}

DaemonRow read_row(Fields& fields) {
  DaemonRow row;
  row.name = fields.required_text("name");
  if (!is_daemon_name(row.name)) {
    fields.fail(ErrorCode::bad_payload, "name", "is none of a daemon");
  }
  read_word(fields, "state", kStates, row.state);
  row.wanted = fields.choice("wanted", {"up", "down"}, 0) == 0;
  row.version = fields.integer("version", 1, 0, INT64_MAX);
  row.restarts = fields.integer("restarts", 0, 0, INT64_MAX);
  row.reason = fields.text("reason");
  row.pid = fields.integer("pid", 0, 0, INT32_MAX);
  row.since = read_given_time(fields, "since");
  row.status = fields.text("status");
  row.unit = fields.text("systemd_unit");
  if (fields.has("last_exit")) {
    fields.object("last_exit", [&row](Fields& inner) { row.last_exit = read_exit(inner); });
  }
  return row;
}

}  // namespace

std::string_view word(DaemonState state) { return kStates[static_cast<std::size_t>(state)]; }

std::string encode(const DaemonRow& row) { return dump_json(row_json(row)); }

Result<DaemonRow> decode_daemon_row(std::string_view text) {
  STEWARD_TRY(const auto object, parse_json(text));
  Fields fields(object);
  auto row = read_row(fields);
  STEWARD_TRY([[maybe_unused]] const auto ignored, fields.finish());
  return row;
}

std::string encode(const UnitDaemon& daemon) {
  auto out = row_json(daemon.daemon);
  out["unit"] = daemon.unit;
  out["domain"] = daemon.domain;
  out["heard"] = format_time(daemon.heard);
  out["epoch"] = daemon.epoch;
  out["seq"] = daemon.seq;
  return dump_json(out);
}

Result<UnitDaemon> decode_unit_daemon(std::string_view text) {
  STEWARD_TRY(const auto object, parse_json(text));
  Fields fields(object);
  UnitDaemon daemon;
  daemon.unit = fields.required_text("unit");
  daemon.domain = fields.required_text("domain");
  daemon.heard = read_given_time(fields, "heard").value_or(Timestamp());
  daemon.epoch = fields.text("epoch");
  daemon.seq = static_cast<std::uint64_t>(fields.integer("seq", 0, 0, INT64_MAX));
  daemon.daemon = read_row(fields);
  STEWARD_TRY([[maybe_unused]] const auto ignored, fields.finish());
  return daemon;
}

std::string encode(const DaemonEvent& event) {
  json daemons = json::array();
  for (const auto& row : event.daemons) {
    daemons.push_back(row_json(row));
  }
  json out = {{"type", word_of(event.type, kDaemonEventTypes)}, {"daemons", std::move(daemons)}};
  put(out, "behind", event.behind, std::string());
  put(out, "up_to", event.up_to, std::string());
  return dump_json(out);
}

Result<DaemonEvent> decode_daemon_event(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  DaemonEvent event;
  read_word(fields, "type", kDaemonEventTypes, event.type);
  fields.objects("daemons", [&event](Fields& inner) { event.daemons.push_back(read_row(inner)); });
  event.behind = fields.text("behind");
  event.up_to = fields.text("up_to");
  if (event.daemons.size() > kMostDaemons ||
      (event.type != DaemonEvent::Type::all && event.daemons.size() != 1)) {
    fields.fail(ErrorCode::bad_payload, "daemons", "has not the rows that belong to its type");
  }
  STEWARD_TRY([[maybe_unused]] const auto ignored, fields.finish());
  return event;
}

}  // namespace steward::wire
