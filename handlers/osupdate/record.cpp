#include "handlers/osupdate/record.hpp"

#include "handlers/runtime/kept_file.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using nlohmann::json;
using wire::UpdatePhase;

// The format of the files. A field that comes later is optional and needs no new number.
constexpr int kFormat = 1;

constexpr const char* kRunFile = "run.json";
constexpr const char* kHistoryFile = "history.json";

std::optional<UpdatePhase> phase_of(const std::string& text) {
  for (int number = 0; number <= static_cast<int>(UpdatePhase::cancelled); ++number) {
    if (wire::word(static_cast<UpdatePhase>(number)) == text) {
      return static_cast<UpdatePhase>(number);
    }
  }
  return std::nullopt;
}

Result<Record> read_record(const std::string& text) {
  STEWARD_TRY(const auto object, wire::parse_json(text));
  wire::Fields fields(object);
  Record record;
  const auto format = fields.integer("format", 0, 0, INT32_MAX);
  record.id = fields.text("id");
  STEWARD_TRY(auto request, wire::decode_update_request(fields.raw("request")));
  const auto* run = std::get_if<wire::UpdateRun>(&request.request);
  const auto phase = phase_of(fields.text("phase"));
  if (format != kFormat || record.id.empty() || run == nullptr || !phase) {
    return failure(ErrorCode::bad_config, "is no record of an update of this format");
  }
  record.request = *run;
  record.phase = *phase;
  STEWARD_TRY(record.plan, wire::decode_update_plan(fields.raw("plan")));
  record.automatic = fields.texts("automatic");
  record.begun = static_cast<int>(fields.integer("begun", 0, 0, INT32_MAX));
  record.steps = static_cast<int>(fields.integer("steps", 0, 0, INT32_MAX));
  record.installs = static_cast<int>(fields.integer("installs", 0, 0, INT32_MAX));
  record.repairs = static_cast<int>(fields.integer("repairs", 0, 0, INT32_MAX));
  record.repaired = fields.boolean("repaired", false);
  if (fields.has("good")) {
    STEWARD_TRY(record.good, wire::decode_update_outcome(fields.raw("good")));
  }
  record.hooked = fields.boolean("hooked", false);
  record.prepared = fields.boolean("prepared", false);
  record.own = fields.text("own");
  record.boot = fields.text("boot");
  record.started = wire::parse_time(fields.text("started")).value_or(wire::Timestamp());
  STEWARD_TRY([[maybe_unused]] const auto ignored, fields.finish());
  return record;
}

}  // namespace

Result<std::optional<Record>> Records::load() const {
  STEWARD_TRY(const auto text, runtime::load_kept(folder_ / kRunFile));
  if (!text) {
    return std::nullopt;
  }
  auto record = read_record(*text);
  if (!record) {
    return failure(ErrorCode::bad_config,
                   (folder_ / kRunFile).string() + ": " + record.error().message);
  }
  return std::optional<Record>(*std::move(record));
}

Result<void> Records::save(const Record& record) const {
  json out = {{"format", kFormat},
              {"id", record.id},
              {"request", json::parse(wire::encode(wire::UpdateRequest(record.request)))},
              {"phase", wire::word(record.phase)},
              {"plan", json::parse(wire::encode(record.plan))},
              {"automatic", record.automatic},
              {"begun", record.begun},
              {"steps", record.steps},
              {"installs", record.installs},
              {"repairs", record.repairs},
              {"repaired", record.repaired},
              {"hooked", record.hooked},
              {"prepared", record.prepared},
              {"started", wire::format_time(record.started)}};
  if (record.good) {
    out["good"] = json::parse(wire::encode(*record.good));
  }
  if (!record.own.empty()) {
    out["own"] = record.own;
  }
  if (!record.boot.empty()) {
    out["boot"] = record.boot;
  }
  return runtime::save_kept(folder_ / kRunFile, wire::dump_json(out));
}

void Records::remove() const {
  std::error_code error;
  std::filesystem::remove(folder_ / kRunFile, error);
}

std::vector<wire::UpdateOutcome> Records::history() const {
  std::vector<wire::UpdateOutcome> outcomes;
  const auto text = runtime::load_kept(folder_ / kHistoryFile);
  if (!text || !*text) {
    return outcomes;
  }
  const auto list = json::parse(**text, nullptr, false);
  if (!list.is_array()) {
    return outcomes;
  }
  for (const auto& item : list) {
    if (auto outcome = wire::decode_update_outcome(item.dump())) {
      outcomes.push_back(*std::move(outcome));
    }
  }
  return outcomes;
}

Result<void> Records::add(const wire::UpdateOutcome& outcome) const {
  json list = json::array({json::parse(wire::encode(outcome))});
  for (const auto& earlier : history()) {
    if (list.size() < wire::kMostUpdateHistory && earlier.id != outcome.id) {
      list.push_back(json::parse(wire::encode(earlier)));
    }
  }
  return runtime::save_kept(folder_ / kHistoryFile, wire::dump_json(list));
}

}  // namespace steward::handlers::osupdate
