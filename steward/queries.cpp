#include "steward/queries.hpp"

#include "subjects/wire/metrics_row.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace steward::station {
namespace {

// What a unit of a job takes in an answer beside its result, about, and how much goes into one row.
constexpr std::size_t kUnitBytes = 600;
constexpr std::size_t kSliceBytes = ChunkWriter::kChunkBytes * 3 / 4;

}  // namespace

void ChunkWriter::add(std::string row) {
  if (bytes_ + row.size() > kChunkBytes) {
    flush();
  }
  bytes_ += row.size() + 1;
  chunk_.rows.push_back(std::move(row));
}

void ChunkWriter::flush() {
  if (!chunk_.rows.empty()) {
    send_(wire::encode(chunk_));
  }
  chunk_ = {};
  bytes_ = std::string_view(R"({"rows":[],"last":true})").size();
}

void ChunkWriter::finish() {
  chunk_.last = true;
  send_(wire::encode(chunk_));
  chunk_ = {};
}

void ChunkWriter::fail(Error error) {
  flush();
  chunk_.error = std::move(error);
  finish();
}

Queries::Queries(const UnitTable& units, const CommandTracker& commands, Store& store, Rows rows)
    : units_(units), commands_(commands), store_(store), rows_(std::move(rows)) {}

void Queries::answer(std::string_view what,
                     std::string_view payload,
                     const ChunkWriter::Send& send) const {
  ChunkWriter out(send);
  const auto request = wire::decode_query_request(payload);
  if (!request) {
    out.fail(request.error());
    return;
  }
  if (auto written = write(what, *request, out); !written) {
    out.fail(std::move(written).error());
    return;
  }
  out.finish();
}

Result<void> Queries::write(std::string_view what,
                            const wire::QueryRequest& request,
                            ChunkWriter& out) const {
  if (what == "units") {
    return write_units(request, out);
  }
  if (what == "facts") {
    return write_facts(request, out);
  }
  if (what == "metrics") {
    return write_metrics(request, out);
  }
  if (what == "alerts") {
    return write_alerts(request, out);
  }
  if (what == "daemons") {
    STEWARD_TRY(const auto units, units_meant(request));
    for (const auto& row : rows_.daemons(units)) {
      out.add(wire::encode(row));
    }
    return {};
  }
  if (what == "silences" || what == "groups") {
    const auto add = [&out](const auto& rows) {
      for (const auto& row : rows) {
        out.add(wire::encode(row));
      }
    };
    what == "groups" ? add(rows_.groups()) : add(rows_.silences());
    return {};
  }
  if (what == "rollouts") {
    return write_rollouts(request, out);
  }
  if (what == "reboots") {
    STEWARD_TRY(const auto units, units_meant(request));
    for (const auto& row : rows_.reboots(units)) {
      out.add(wire::encode(row));
    }
    return {};
  }
  if (what == "enrollments") {
    for (const auto& row : rows_.enrollments(request.units)) {
      out.add(wire::encode(row));
    }
    return {};
  }
  if (what == "jobs") {
    return write_jobs(request, out);
  }
  if (what == "job") {
    return write_job(request, out);
  }
  if (what == "command") {
    return write_command(request, out);
  }
  if (what == "failures") {
    return write_failures(request, out);
  }
  if (what == "history") {
    return write_history(request, out);
  }
  if (what == "station" || what == "policy") {
    if (auto row = what == "station" ? rows_.station() : rows_.policy(); !row.empty()) {
      out.add(std::move(row));
    }
    return {};
  }
  return failure(
      ErrorCode::unsupported,
      "a station is asked for units, facts, metrics, alerts, daemons, silences, groups, "
      "rollouts, reboots, enrollments, jobs, job, command, failures, history, station or policy");
}

Result<void> Queries::write_units(const wire::QueryRequest& request, ChunkWriter& out) const {
  const auto wanted_state = [&request](const wire::UnitRow& row) {
    return request.states.empty() ||
           std::find(request.states.begin(), request.states.end(), wire::word(row.state)) !=
               request.states.end();
  };
  const auto add = [&](const wire::UnitRow& row) {
    if (wanted_state(row)) {
      auto answered = row;
      answered.commands = commands_.counts(row.unit);
      out.add(wire::encode(answered));
    }
  };
  if (request.units.empty() && request.target.empty()) {
    units_.visit(add);
    return {};
  }
  STEWARD_TRY(const auto units, units_meant(request));
  for (const auto& unit : units) {
    if (const auto* row = units_.find(unit)) {
      add(*row);
    }
  }
  return {};
}

// Known or not, each once.
Result<std::vector<std::string>> Queries::units_meant(const wire::QueryRequest& request) const {
  std::set<std::string> units(request.units.begin(), request.units.end());
  if (!request.target.empty()) {
    STEWARD_TRY(const auto selector, wire::Selector::parse(request.target));
    STEWARD_TRY(const auto picked, rows_.pick(selector));
    units.insert(picked.begin(), picked.end());
  } else if (units.empty()) {
    const auto names = units_.names();
    units.insert(names.begin(), names.end());
  }
  return std::vector<std::string>(units.begin(), units.end());
}

Result<void> Queries::write_facts(const wire::QueryRequest& request, ChunkWriter& out) const {
  STEWARD_TRY(const auto units, units_meant(request));
  for (const auto& unit : units) {
    STEWARD_TRY(auto row, store_.find_facts(unit));
    if (row) {
      std::erase_if(row->facts, [&request](const auto& fact) {
        return !wire::is_among(fact.first, request.keys);
      });
      out.add(wire::encode(*row));
    }
  }
  return {};
}

Result<void> Queries::write_metrics(const wire::QueryRequest& request, ChunkWriter& out) const {
  STEWARD_TRY(const auto units, units_meant(request));
  for (const auto& unit : units) {
    if (const auto latest = rows_.metrics(unit)) {
      out.add(wire::encode(metrics_row(unit, *latest, request.keys)));
    }
  }
  return {};
}

Result<void> Queries::write_alerts(const wire::QueryRequest& request, ChunkWriter& out) const {
  STEWARD_TRY(const auto units, units_meant(request));
  for (const auto& row : rows_.alerts()) {
    if (std::binary_search(units.begin(), units.end(), row.unit)) {
      out.add(wire::encode(row));
    }
  }
  return {};
}

Result<void> Queries::write_rollouts(const wire::QueryRequest& request, ChunkWriter& out) const {
  std::int64_t written = 0;
  for (const auto& row : rows_.rollouts()) {
    if ((!request.job.empty() && row.plan.rollout.view() != request.job) ||
        (request.open_only && wire::is_over(row.state)) || written >= request.limit) {
      continue;
    }
    out.add(wire::encode(row));
    ++written;
  }
  return {};
}

Result<void> Queries::write_jobs(const wire::QueryRequest& request, ChunkWriter& out) const {
  const auto filter = request.open_only     ? Store::JobFilter::open
                      : request.failed_only ? Store::JobFilter::failed
                                            : Store::JobFilter::all;
  STEWARD_TRY(const auto rows, store_.jobs(filter, request.limit));
  for (const auto& row : rows) {
    if (!request.failed_only || row.commands.failed > 0) {
      out.add(wire::encode(row));
    }
  }
  return {};
}

Result<void> Queries::write_job(const wire::QueryRequest& request, ChunkWriter& out) const {
  const auto& wanted = request.job.empty() ? request.command : request.job;
  const auto id = wire::MessageId::parse(wanted);
  if (!id) {
    return failure(ErrorCode::bad_payload, "job or command: the id of one is needed");
  }
  STEWARD_TRY(auto found, store_.find_job(*id));
  if (!found) {
    return failure(ErrorCode::not_found, "no job or command " + id->str() + " is known");
  }
  const std::set<std::string> units(request.units.begin(), request.units.end());
  auto& detail = *found;
  std::size_t bytes = detail.payload.size();
  bool written = false;
  const auto flush = [&] {
    out.add(wire::encode(detail));
    detail.units.clear();
    detail.payload.clear();  // in the first row only
    bytes = 0;
    written = true;
  };
  auto visited = store_.visit_job(detail.job.job, [&](wire::JobUnit&& unit) {
    if (!units.empty() && units.count(unit.unit) == 0) {
      return;
    }
    const std::size_t unit_bytes = unit.result.size() + unit.message.size() + kUnitBytes;
    if (!detail.units.empty() && bytes + unit_bytes > kSliceBytes) {
      flush();
    }
    bytes += unit_bytes;
    detail.units.push_back(std::move(unit));
  });
  if (!visited) {
    return visited;
  }
  if (!detail.units.empty() || !written) {
    flush();
  }
  return {};
}

Result<void> Queries::write_command(const wire::QueryRequest& request, ChunkWriter& out) const {
  const auto id = wire::MessageId::parse(request.command);
  if (!id) {
    return failure(ErrorCode::bad_payload, "command: the id of one is needed");
  }
  STEWARD_TRY(const auto found, store_.find_command_detail(*id));
  if (!found) {
    return failure(ErrorCode::not_found, "no command " + id->str() + " is known");
  }
  out.add(wire::encode(*found));
  return {};
}

Result<void> Queries::write_failures(const wire::QueryRequest& request, ChunkWriter& out) const {
  STEWARD_TRY(const auto rows, store_.failures(request.limit));
  for (const auto& row : rows) {
    out.add(wire::encode(row));
  }
  return {};
}

Result<void> Queries::write_history(const wire::QueryRequest& request, ChunkWriter& out) const {
  STEWARD_TRY(const auto rows, store_.history(request.after, request.limit, request.units));
  for (const auto& row : rows) {
    out.add(wire::encode(row));
  }
  return {};
}

}  // namespace steward::station
