#include "handlers/metrics/settings.hpp"

#include "handlers/metrics/measurement.hpp"
#include "handlers/runtime/kept_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::handlers::metrics {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kSettingsFile = "settings.json";

void read_globs(runtime::Options& options, std::string_view key, std::vector<std::string>& globs) {
  if (options.has(key)) {
    globs = options.texts(key);
  }
}

}  // namespace

Settings read_options(runtime::Options options) {
  Settings settings;
  settings.interval = options.milliseconds("interval_ms",
                                           settings.interval,
                                           wire::kShortestMetricsInterval,
                                           wire::kLongestMetricsInterval);
  settings.disabled = options.texts("disabled");
  const auto names = Measurement::names();
  for (const auto& name : settings.disabled) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      options.reject("disabled", "no collector is named '" + name + "'");
    }
  }
  // No table of their own: that would be a domain.
  read_globs(options, "exclude_mountpoints", settings.filters.mountpoints);
  read_globs(options, "exclude_fstypes", settings.filters.fstypes);
  read_globs(options, "exclude_disks", settings.filters.disks);
  read_globs(options, "exclude_interfaces", settings.filters.interfaces);
  return settings;
}

Result<Settings> changed_by(Settings settings, const wire::MetricsRequest& request) {
  settings.interval = request.interval.value_or(settings.interval);
  if (request.disabled) {
    const auto names = Measurement::names();
    for (const auto& name : *request.disabled) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        return failure(ErrorCode::bad_payload, "disabled: no collector is named '" + name + "'");
      }
    }
    settings.disabled = *request.disabled;
  }
  auto& filters = settings.filters;
  filters.mountpoints = request.mountpoints.value_or(filters.mountpoints);
  filters.fstypes = request.fstypes.value_or(filters.fstypes);
  filters.disks = request.disks.value_or(filters.disks);
  filters.interfaces = request.interfaces.value_or(filters.interfaces);
  return settings;
}

std::string to_json(const Settings& settings) {
  const auto& filters = settings.filters;
  return json({{"op", "set"},
               {"interval_ms", settings.interval.count()},
               {"disabled", settings.disabled},
               {"filters",
                {{"mountpoints", filters.mountpoints},
                 {"fstypes", filters.fstypes},
                 {"disks", filters.disks},
                 {"interfaces", filters.interfaces}}}})
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Settings> load_settings(const fs::path& folder, Settings below) {
  STEWARD_TRY(const auto text, runtime::load_kept(folder / kSettingsFile));
  if (!text) {
    return below;
  }
  STEWARD_TRY(const auto request, wire::decode_metrics_request(*text));
  return changed_by(std::move(below), request);
}

Result<void> save_settings(const fs::path& folder, const Settings& settings) {
  return runtime::save_kept(folder / kSettingsFile, to_json(settings));
}

}  // namespace steward::handlers::metrics
