#include "subjects/wire/query_fields.hpp"
#include "subjects/wire/rollout_fields.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 8> kRolloutStates{
    "receiving", "running", "waiting", "paused", "halted", "deferred", "done", "aborted"};

// The counts of a row, by their names.
constexpr std::array<std::pair<std::string_view, std::size_t RolloutCounts::*>, 7> kCounts{
    {{"held", &RolloutCounts::held},
     {"deferred", &RolloutCounts::deferred},
     {"running", &RolloutCounts::running},
     {"overdue", &RolloutCounts::overdue},
     {"done", &RolloutCounts::done},
     {"failed", &RolloutCounts::failed},
     {"withdrawn", &RolloutCounts::withdrawn}}};

std::size_t read_number(Fields& fields, std::string_view name) {
  return static_cast<std::size_t>(
      fields.integer(name, 0, 0, static_cast<std::int64_t>(kMostRolloutUnits) + 1));
}

RolloutCounts read_rollout_counts(Fields& fields) {
  RolloutCounts counts;
  fields.object("counts", [&counts](Fields& inner) {
    for (const auto& [name, member] : kCounts) {
      counts.*member = read_number(inner, name);
    }
  });
  return counts;
}

RolloutRow read_rollout_row(Fields& fields) {
  RolloutRow row{.plan = read_rollout_plan(fields),
                 .by = fields.text("by"),
                 .summary = fields.text("summary"),
                 .created = read_required_time(fields, "created"),
                 .changed = read_required_time(fields, "changed")};
  fields.required_text("state");
  row.state = static_cast<RolloutState>(fields.choice("state", kRolloutStates, 0));
  row.reason = fields.text("reason");
  row.received = read_number(fields, "received");
  row.groups = read_number(fields, "groups");
  row.begun = read_number(fields, "begun");
  row.allowed = read_number(fields, "allowed");
  row.accepted = read_number(fields, "accepted");
  row.group_over = read_time(fields, "group_over");
  row.counts = read_rollout_counts(fields);
  row.deferred = fields.texts("deferred");
  row.overdue = fields.texts("overdue");
  return row;
}

}  // namespace

std::string_view word(RolloutState state) {
  return kRolloutStates[static_cast<std::size_t>(state)];
}

std::string encode(const RolloutRow& row) {
  json counts = json::object();
  for (const auto& [name, member] : kCounts) {
    counts[std::string(name)] = row.counts.*member;
  }
  auto out = rollout_plan_json(row.plan);
  out.update({{"by", row.by},
              {"summary", row.summary},
              {"created", format_time(row.created)},
              {"state", word(row.state)},
              {"reason", row.reason},
              {"changed", format_time(row.changed)},
              {"received", row.received},
              {"groups", row.groups},
              {"begun", row.begun},
              {"allowed", row.allowed},
              {"accepted", row.accepted},
              {"group_over", time_or_null(row.group_over)},
              {"counts", std::move(counts)},
              {"deferred", row.deferred},
              {"overdue", row.overdue}});
  return dump_json(out);
}

Result<RolloutRow> decode_rollout_row(std::string_view text) {
  return decode_object(text, &read_rollout_row);
}

}  // namespace steward::wire
