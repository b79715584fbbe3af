#include "subjects/wire/query.hpp"

#include "subjects/wire/hello_fields.hpp"
#include "subjects/wire/query_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kUnitStates{"up", "late", "down", "never", "conflict"};

constexpr std::int64_t kMostRows = 100'000;

json counts_json(const CommandCounts& counts) {
  return {{"open", counts.open}, {"done", counts.done}, {"failed", counts.failed}};
}

CommandCounts read_counts(Fields& fields) {
  CommandCounts counts;
  fields.object("commands", [&counts](Fields& inner) {
    counts.open = inner.integer("open", 0, 0, kMostWhole);
    counts.done = inner.integer("done", 0, 0, kMostWhole);
    counts.failed = inner.integer("failed", 0, 0, kMostWhole);
  });
  return counts;
}

UnitRow read_unit_row(Fields& fields) {
  UnitRow row;
  row.hello = read_hello(fields);
  row.unit = read_node(fields, "unit");
  const auto state = parse_unit_state(fields.required_text("state"));
  if (!state) {
    fields.fail(state.error().code, "state", state.error().message);
  }
  row.state = state.value_or(UnitState::never);
  row.since = read_time(fields, "since");
  row.last_seen = read_time(fields, "last_seen");
  row.source = fields.text("source");
  row.other_session = fields.text("other_session");
  row.commands = read_counts(fields);
  return row;
}

JobRow read_job_row(Fields& fields) {
  return JobRow{read_id(fields, "job"),
                fields.text("subject"),
                fields.text("summary"),
                fields.text("by"),
                read_required_time(fields, "created"),
                fields.integer("units", 0, 0, kMostWhole),
                read_counts(fields)};
}

json job_unit_json(const JobUnit& unit) {
  json history = json::array();
  for (const auto& [state, at] : unit.history) {
    history.push_back({{"state", word(state)}, {"at", format_time(at)}});
  }
  json out = {{"unit", unit.unit},
              {"command", unit.command.view()},
              {"state", word(unit.state)},
              {"history", std::move(history)},
              {"expires", time_or_null(unit.expires)},
              {"code", unit.code},
              {"message", unit.message}};
  if (!unit.result.empty()) {
    out["result"] = json::parse(unit.result, nullptr, false);
    if (out["result"].is_discarded()) {
      out["result"] = {{"unreadable", unit.result}};
    }
  }
  return out;
}

JobUnit read_job_unit(Fields& fields) {
  JobUnit unit{read_node(fields, "unit"),
               read_id(fields, "command"),
               read_state(fields, "state"),
               {},
               {},
               {},
               {},
               {}};
  fields.objects("history", [&unit](Fields& step) {
    unit.history.push_back({read_state(step, "state"), read_required_time(step, "at")});
  });
  unit.expires = read_time(fields, "expires");
  unit.code = fields.text("code");
  unit.message = fields.text("message");
  unit.result = fields.raw("result");
  if (!unit.result.empty() && unit.result.front() != '{') {
    fields.fail(ErrorCode::bad_payload, "result", "must be an object");
  }
  return unit;
}

JobDetail read_job_detail(Fields& fields) {
  JobDetail detail{{read_id(fields, "job"), {}, {}, {}, {}, 0, {}}, {}, {}};
  detail.retries = read_optional_id(fields, "retries");
  detail.payloads = fields.integer("payloads", 1, 0, kMostWhole);
  detail.job.units = fields.integer("unit_count", 0, 0, kMostWhole);
  detail.job.commands = read_counts(fields);
  fields.object("command", [&detail](Fields& command) {
    detail.job.subject = command.text("subject");
    detail.job.summary = command.text("summary");
    detail.job.by = command.text("by");
    detail.job.created = read_required_time(command, "created");
    detail.payload = command.raw("payload");
  });
  fields.objects("units", [&detail](Fields& unit) { detail.units.push_back(read_job_unit(unit)); });
  return detail;
}

// An optional id of a request, as text.
std::string read_id_text(Fields& fields, std::string_view name) {
  return fields.text(name).empty() ? std::string() : read_id(fields, name).str();
}

QueryRequest read_query_request(Fields& fields) {
  QueryRequest request;
  request.units = fields.texts("units");
  for (const auto& unit : request.units) {
    if (!NodeName::parse(unit)) {
      fields.fail(ErrorCode::bad_payload, "units", "must be names of units");
    }
  }
  request.target = fields.text("target");
  request.keys = fields.texts("keys");
  request.states = fields.texts("states");
  for (const auto& state : request.states) {
    if (!parse_unit_state(state)) {
      fields.fail(ErrorCode::unsupported, "states", "a word that is not a state of a unit");
    }
  }
  request.job = read_id_text(fields, "job");
  request.command = read_id_text(fields, "command");
  request.open_only = fields.boolean("open_only", false);
  request.failed_only = fields.boolean("failed_only", false);
  request.after = fields.integer("after", 0, 0, kMostWhole);
  request.limit = fields.integer("limit", request.limit, 1, kMostRows);
  return request;
}

}  // namespace

std::string_view word(UnitState state) { return kUnitStates[static_cast<std::size_t>(state)]; }

Result<UnitState> parse_unit_state(std::string_view text) {
  const auto at = std::find(kUnitStates.begin(), kUnitStates.end(), text);
  if (at == kUnitStates.end()) {
    return failure(ErrorCode::unsupported, "not a state of a unit");
  }
  return static_cast<UnitState>(at - kUnitStates.begin());
}

std::string encode(const UnitRow& row) {
  json out = json::object();
  out["rtt_us"] = nullptr;
  write_hello(row.hello, out);
  out["unit"] = row.unit;
  out["state"] = word(row.state);
  out["since"] = time_or_null(row.since);
  out["last_seen"] = time_or_null(row.last_seen);
  out["source"] = row.source;
  out["commands"] = counts_json(row.commands);
  if (!row.other_session.empty()) {
    out["other_session"] = row.other_session;
  }
  return dump_json(out);
}

Result<UnitRow> decode_unit_row(std::string_view text) {
  return decode_object(text, &read_unit_row);
}

std::string encode(const JobRow& row) {
  return dump_json({{"job", row.job.view()},
                    {"subject", row.subject},
                    {"summary", row.summary},
                    {"by", row.by},
                    {"created", format_time(row.created)},
                    {"units", row.units},
                    {"commands", counts_json(row.commands)}});
}

Result<JobRow> decode_job_row(std::string_view text) { return decode_object(text, &read_job_row); }

std::string encode(const JobDetail& detail) {
  json units = json::array();
  for (const auto& unit : detail.units) {
    units.push_back(job_unit_json(unit));
  }
  json command = {{"subject", detail.job.subject},
                  {"summary", detail.job.summary},
                  {"by", detail.job.by},
                  {"created", format_time(detail.job.created)}};
  if (!detail.payload.empty()) {
    // A command that was refused for its payload is shown too: what is not JSON goes as a text.
    auto payload = parse_json(detail.payload);
    command["payload"] = payload ? *std::move(payload) : json(detail.payload);
  }
  json out = {{"job", detail.job.job.view()},
              {"command", std::move(command)},
              {"unit_count", detail.job.units},
              {"payloads", detail.payloads},
              {"commands", counts_json(detail.job.commands)},
              {"units", std::move(units)}};
  if (detail.retries) {
    out["retries"] = detail.retries->view();
  }
  return dump_json(out);
}

Result<JobDetail> decode_job_detail(std::string_view text) {
  return decode_object(text, &read_job_detail);
}

std::string encode(const HistoryRow& row) {
  return dump_json({{"number", row.number},
                    {"at", format_time(row.at)},
                    {"unit", row.unit},
                    {"what", row.what},
                    {"text", row.text}});
}

Result<HistoryRow> decode_history_row(std::string_view text) {
  return decode_object(text, [](Fields& fields) {
    return HistoryRow{fields.integer("number", 0, 0, kMostWhole),
                      read_required_time(fields, "at"),
                      fields.text("unit"),
                      fields.text("what"),
                      fields.text("text")};
  });
}

std::string encode(const QueryRequest& request) {
  json out = json::object();
  if (!request.units.empty()) {
    out["units"] = request.units;
  }
  if (!request.target.empty()) {
    out["target"] = request.target;
  }
  if (!request.keys.empty()) {
    out["keys"] = request.keys;
  }
  if (!request.states.empty()) {
    out["states"] = request.states;
  }
  if (!request.job.empty()) {
    out["job"] = request.job;
  }
  if (!request.command.empty()) {
    out["command"] = request.command;
  }
  if (request.open_only) {
    out["open_only"] = true;
  }
  if (request.failed_only) {
    out["failed_only"] = true;
  }
  if (request.after != 0) {
    out["after"] = request.after;
  }
  if (request.limit != QueryRequest{}.limit) {
    out["limit"] = request.limit;
  }
  return dump_json(out);
}

Result<QueryRequest> decode_query_request(std::string_view payload) {
  return decode_object(payload.empty() ? "{}" : payload, &read_query_request);
}

std::string encode(const QueryChunk& chunk) {
  // Rows are JSON already: put in as they are, not parsed and written again.
  std::string text = "{\"rows\":[";
  for (const auto& row : chunk.rows) {
    text.append(text.back() == '[' ? "" : ",").append(row);
  }
  text.append("]");
  if (chunk.last) {
    text.append(",\"last\":true");
  }
  if (chunk.error) {
    text.append(",\"error\":")
        .append(dump_json({{"code", word(chunk.error->code)}, {"message", chunk.error->message}}));
  }
  return text.append("}");
}

Result<QueryChunk> decode_query_chunk(std::string_view payload) {
  return decode_object(payload, [](Fields& fields) {
    QueryChunk chunk;
    chunk.rows = fields.raws("rows");
    chunk.last = fields.boolean("last", false);
    fields.object("error", [&chunk](Fields& inner) {
      // A code of a later version is kept as text: an answer that says "no" is still one.
      const std::string code = inner.required_text("code");
      const auto known = parse_error_code(code);
      Error error{known.value_or(ErrorCode::internal), inner.text("message")};
      chunk.error = known ? std::move(error) : std::move(error).with_context(code);
    });
    return chunk;
  });
}

}  // namespace steward::wire
