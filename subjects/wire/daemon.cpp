#include "subjects/wire/daemon.hpp"

#include "subjects/wire/daemon_spec.hpp"
#include "subjects/wire/process_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

using Words = std::string_view;

// The operations of a command; the first of an order stands where DaemonOrder::Op begins.
enum class DaemonOp {
  apply,
  start,
  stop,
  restart,
  remove,
  reload,
  freeze,
  thaw,
  enable,
  disable,
  reset,
  signal,
  status,
  list,
  units,
  logs,
  none
};
constexpr std::array<Words, 16> kDaemonOps{"apply",
                                           "start",
                                           "stop",
                                           "restart",
                                           "remove",
                                           "reload",
                                           "freeze",
                                           "thaw",
                                           "enable",
                                           "disable",
                                           "reset",
                                           "signal",
                                           "status",
                                           "list",
                                           "units",
                                           "logs"};

std::string order_word(DaemonOrder::Op op) {
  return std::string(
      kDaemonOps[static_cast<std::size_t>(DaemonOp::start) + static_cast<std::size_t>(op)]);
}

constexpr std::int64_t kMostLines = 10'000;

// Of a daemon or of a unit.
std::string read_known_name(Fields& fields, std::string_view name) {
  auto text = fields.required_text(name);
  if (!is_daemon_name(text) && !is_unit_name(text)) {
    fields.fail(ErrorCode::bad_payload,
                name,
                "must be of a daemon (1 to 64 of A-Z, a-z, 0-9, '_', '-' and '.') or of a unit of "
                "systemd (\"nginx.service\")");
  }
  return text;
}

DaemonApply read_apply(Fields& fields) {
  DaemonApply apply;
  fields.object("spec", [&apply](Fields& inner) { apply.spec = read_daemon_spec(inner); });
  if (!fields.has("spec")) {
    fields.fail(ErrorCode::bad_payload, "spec", "is missing: what the daemon is to be");
  }
  apply.wait = fields.boolean("wait", apply.wait);
  apply.dry_run = fields.boolean("dry_run", apply.dry_run);
  return apply;
}

DaemonOrder read_order(Fields& fields, DaemonOrder::Op op) {
  return {op, read_known_name(fields, "name"), fields.boolean("wait", true)};
}

DaemonLogs read_logs(Fields& fields) {
  DaemonLogs logs{read_known_name(fields, "name")};
  logs.lines = static_cast<std::size_t>(
      fields.integer("lines", static_cast<std::int64_t>(logs.lines), 1, kMostLines));
  if (const auto offset = fields.optional_integer("offset", 0, INT64_MAX)) {
    logs.offset = static_cast<std::uint64_t>(*offset);
  }
  return logs;
}

DaemonRequest read_request(Fields& fields) {
  switch (static_cast<DaemonOp>(
      fields.choice("op", kDaemonOps, static_cast<std::size_t>(DaemonOp::none)))) {
    case DaemonOp::apply:
      return read_apply(fields);
    case DaemonOp::start:
      return read_order(fields, DaemonOrder::Op::start);
    case DaemonOp::stop:
      return read_order(fields, DaemonOrder::Op::stop);
    case DaemonOp::restart:
      return read_order(fields, DaemonOrder::Op::restart);
    case DaemonOp::remove:
      return read_order(fields, DaemonOrder::Op::remove);
    case DaemonOp::reload:
      return read_order(fields, DaemonOrder::Op::reload);
    case DaemonOp::freeze:
      return read_order(fields, DaemonOrder::Op::freeze);
    case DaemonOp::thaw:
      return read_order(fields, DaemonOrder::Op::thaw);
    case DaemonOp::enable:
      return read_order(fields, DaemonOrder::Op::enable);
    case DaemonOp::disable:
      return read_order(fields, DaemonOrder::Op::disable);
    case DaemonOp::reset:
      return read_order(fields, DaemonOrder::Op::reset);
    case DaemonOp::signal:
      return DaemonSignal{read_known_name(fields, "name"), read_c_text(fields, "signal")};
    case DaemonOp::status:
      return DaemonStatus{read_known_name(fields, "name")};
    case DaemonOp::units:
      return DaemonUnits{};
    case DaemonOp::logs:
      return read_logs(fields);
    case DaemonOp::list:
      return DaemonStatus{};
    case DaemonOp::none:
      break;
  }
  fields.fail(ErrorCode::bad_payload, "op", "is missing: what is to be done");
  return DaemonStatus{};
}

}  // namespace

Result<DecodedDaemonRequest> decode_daemon_request(std::string_view payload) {
  STEWARD_TRY(const auto object, parse_json(payload));
  Fields fields(object);
  DecodedDaemonRequest decoded{read_request(fields), {}};
  fields.must();
  STEWARD_TRY(decoded.ignored, fields.finish());
  return decoded;
}

namespace {

json request_json(const DaemonApply& apply) {
  json out = {{"op", "apply"}, {"spec", daemon_spec_json(apply.spec)}};
  put(out, "wait", apply.wait, true);
  put(out, "dry_run", apply.dry_run, false);
  return out;
}

json request_json(const DaemonOrder& order) {
  json out = {{"op", order_word(order.op)}, {"name", order.name}};
  put(out, "wait", order.wait, true);
  return out;
}

json request_json(const DaemonSignal& signal) {
  return {{"op", "signal"}, {"name", signal.name}, {"signal", signal.signal}};
}

json request_json(const DaemonStatus& status) {
  return status.name.empty() ? json{{"op", "list"}} : json{{"op", "status"}, {"name", status.name}};
}

json request_json(const DaemonUnits&) { return {{"op", "units"}}; }

json request_json(const DaemonLogs& logs) {
  json out = {{"op", "logs"}, {"name", logs.name}};
  put(out, "lines", logs.lines, DaemonLogs().lines);
  if (logs.offset) {
    out["offset"] = *logs.offset;
  }
  return out;
}

}  // namespace

std::string encode(const DaemonRequest& request) {
  return dump_json(std::visit([](const auto& asked) { return request_json(asked); }, request));
}

}  // namespace steward::wire
