// What a unit says of its updates.

#include "subjects/wire/osupdate.hpp"
#include "subjects/wire/process_fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::wire {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kOps{"download", "apply", "rollback", "reboot"};
constexpr std::array<std::string_view, 15> kPhases{"queued",
                                                   "planning",
                                                   "waiting_window",
                                                   "waiting_lock",
                                                   "downloading",
                                                   "applying",
                                                   "repairing",
                                                   "services",
                                                   "reboot_pending",
                                                   "lease_wait",
                                                   "rebooting",
                                                   "verifying",
                                                   "done",
                                                   "failed",
                                                   "cancelled"};
constexpr std::array<std::string_view, 5> kTypes{"phase", "progress", "stalled", "end", "pending"};

Timestamp read_moment(Fields& fields, std::string_view name) {
  const auto text = fields.text(name);
  if (text.empty()) {
    return {};
  }
  const auto time = parse_time(text);
  if (!time) {
    fields.fail(ErrorCode::bad_payload, name, "is no time");
  }
  return time.value_or(Timestamp());
}

void put_moment(json& out, const char* name, Timestamp moment) {
  if (moment != Timestamp()) {
    out[name] = format_time(moment);
  }
}

json package_json(const UpdatePackage& package) {
  json out = {{"name", package.name}, {"to", package.to}};
  put(out, "from", package.from, std::string());
  put(out, "origin", package.origin, std::string());
  put(out, "security", package.security, false);
  put(out, "bytes", package.bytes, std::int64_t{0});
  return out;
}

json packages_json(const std::vector<UpdatePackage>& packages) {
  json out = json::array();
  for (const auto& package : packages) {
    out.push_back(package_json(package));
  }
  return out;
}

std::vector<UpdatePackage> read_update_packages(Fields& fields) {
  std::vector<UpdatePackage> packages;
  fields.objects("packages", [&packages](Fields& inner) {
    UpdatePackage package;
    package.name = inner.required_text("name");
    package.from = inner.text("from");
    package.to = inner.text("to");
    package.origin = inner.text("origin");
    package.security = inner.boolean("security", false);
    package.bytes = inner.integer("bytes", 0, 0, INT64_MAX);
    packages.push_back(std::move(package));
  });
  return packages;
}

json summary_json(const UpdateSummary& summary) {
  json out = {{"updates", summary.updates},
              {"security", summary.security},
              {"reboot_required", summary.reboot_required}};
  put_moment(out, "checked", summary.checked);
  return out;
}

UpdateSummary read_summary(Fields& fields) {
  UpdateSummary summary;
  summary.updates = fields.integer("updates", 0, 0, INT64_MAX);
  summary.security = fields.integer("security", 0, 0, INT64_MAX);
  summary.reboot_required = fields.boolean("reboot_required", false);
  summary.checked = read_moment(fields, "checked");
  return summary;
}

json outcome_json(const UpdateOutcome& outcome) {
  json out = {{"id", outcome.id},
              {"op", word_of(outcome.op, kOps)},
              {"state", word(outcome.state)},
              {"packages", packages_json(outcome.packages)}};
  put(out, "code", outcome.code, std::string());
  put(out, "message", outcome.message, std::string());
  put_moment(out, "started", outcome.started);
  put_moment(out, "ended", outcome.ended);
  put(out, "plan_hash", outcome.plan_hash, std::string());
  put(out, "removed", outcome.removed, {});
  put(out, "failed", outcome.failed, {});
  json conffiles = json::array();
  for (const auto& conffile : outcome.conffiles) {
    conffiles.push_back({{"path", conffile.path}, {"kept", conffile.kept}});
  }
  put_object(out, "conffiles", std::move(conffiles));
  put(out, "repaired", outcome.repaired, false);
  put(out, "needs_help", outcome.needs_help, false);
  put(out, "services_restarted", outcome.restarted, {});
  put(out, "services_stale", outcome.stale, {});
  put(out, "rebooted", outcome.rebooted, false);
  put(out, "kernel_before", outcome.kernel_before, std::string());
  put(out, "kernel_after", outcome.kernel_after, std::string());
  put(out, "reboot_required", outcome.reboot_required, false);
  put(out, "log", outcome.log, std::string());
  return out;
}

UpdateOutcome read_outcome(Fields& fields) {
  UpdateOutcome outcome;
  outcome.id = fields.text("id");
  read_word(fields, "op", kOps, outcome.op);
  read_word(fields, "state", kPhases, outcome.state);
  outcome.code = fields.text("code");
  outcome.message = fields.text("message");
  outcome.started = read_moment(fields, "started");
  outcome.ended = read_moment(fields, "ended");
  outcome.plan_hash = fields.text("plan_hash");
  outcome.packages = read_update_packages(fields);
  outcome.removed = fields.texts("removed");
  outcome.failed = fields.texts("failed");
  fields.objects("conffiles", [&outcome](Fields& inner) {
    outcome.conffiles.push_back({inner.text("path"), inner.boolean("kept", true)});
  });
  outcome.repaired = fields.boolean("repaired", false);
  outcome.needs_help = fields.boolean("needs_help", false);
  outcome.restarted = fields.texts("services_restarted");
  outcome.stale = fields.texts("services_stale");
  outcome.rebooted = fields.boolean("rebooted", false);
  outcome.kernel_before = fields.text("kernel_before");
  outcome.kernel_after = fields.text("kernel_after");
  outcome.reboot_required = fields.boolean("reboot_required", false);
  outcome.log = fields.text("log");
  return outcome;
}

// What is not known is left alone: a newer unit may say more.
template <class T>
Result<T> read_answer(std::string_view text, T (*read)(Fields&)) {
  STEWARD_TRY(const auto object, parse_json(text));
  Fields fields(object);
  auto answer = read(fields);
  STEWARD_TRY([[maybe_unused]] const auto ignored, fields.finish());
  return answer;
}

UpdatePlan read_plan(Fields& fields) {
  UpdatePlan plan;
  plan.hash = fields.text("plan_hash");
  plan.packages = read_update_packages(fields);
  plan.removed = fields.texts("removed");
  plan.essential = fields.texts("essential");
  fields.objects("kept_back", [&plan](Fields& inner) {
    plan.kept_back.push_back({inner.text("name"), inner.text("reason")});
  });
  plan.held = fields.texts("held");
  plan.download_bytes = fields.integer("download_bytes", 0, 0, INT64_MAX);
  plan.disk_bytes = fields.integer("disk_bytes", 0, -INT64_MAX, INT64_MAX);
  plan.left_out = static_cast<std::size_t>(fields.integer("left_out", 0, 0, INT32_MAX));
  plan.restarts = fields.texts("restarts");
  plan.reboot_for = fields.texts("reboot_for");
  return plan;
}

UpdateEvent read_event(Fields& fields) {
  UpdateEvent event;
  read_word(fields, "type", kTypes, event.type);
  event.id = fields.text("id");
  read_word(fields, "phase", kPhases, event.phase);
  event.percent = fields.integer("percent", 0, 0, 100);
  event.package = fields.text("package");
  event.text = fields.text("text");
  if (fields.has("outcome")) {
    fields.object("outcome", [&event](Fields& inner) { event.outcome = read_outcome(inner); });
  }
  if (fields.has("summary")) {
    fields.object("summary", [&event](Fields& inner) { event.summary = read_summary(inner); });
  }
  return event;
}

}  // namespace

std::string_view word(UpdatePhase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

std::string encode(const UpdatePlan& plan) {
  json out = {{"plan_hash", plan.hash},
              {"packages", packages_json(plan.packages)},
              {"download_bytes", plan.download_bytes},
              {"disk_bytes", plan.disk_bytes}};
  put(out, "removed", plan.removed, {});
  put(out, "essential", plan.essential, {});
  json kept = json::array();
  for (const auto& one : plan.kept_back) {
    kept.push_back({{"name", one.name}, {"reason", one.reason}});
  }
  put_object(out, "kept_back", std::move(kept));
  put(out, "held", plan.held, {});
  put(out, "left_out", plan.left_out, std::size_t{0});
  put(out, "restarts", plan.restarts, {});
  put(out, "reboot_for", plan.reboot_for, {});
  return dump_json(out);
}

Result<UpdatePlan> decode_update_plan(std::string_view text) {
  return read_answer(text, &read_plan);
}

std::string encode(const UpdateSummary& summary) { return dump_json(summary_json(summary)); }

Result<UpdateSummary> decode_update_summary(std::string_view text) {
  return read_answer(text, &read_summary);
}

std::string encode(const UpdateOutcome& outcome) { return dump_json(outcome_json(outcome)); }

Result<UpdateOutcome> decode_update_outcome(std::string_view text) {
  return read_answer(text, &read_outcome);
}

std::string encode(const UpdateEvent& event) {
  const UpdateEvent usual;
  json out = {{"type", word_of(event.type, kTypes)}};
  put(out, "id", event.id, usual.id);
  if (event.type != UpdateEvent::Type::pending) {
    out["phase"] = word(event.phase);
  }
  put(out, "percent", event.percent, usual.percent);
  put(out, "package", event.package, usual.package);
  put(out, "text", event.text, usual.text);
  if (event.outcome) {
    out["outcome"] = outcome_json(*event.outcome);
  }
  if (event.summary) {
    out["summary"] = summary_json(*event.summary);
  }
  return dump_json(out);
}

Result<UpdateEvent> decode_update_event(std::string_view payload) {
  return read_answer(payload, &read_event);
}

}  // namespace steward::wire
