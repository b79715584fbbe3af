#pragma once

#include "handlers/metrics/collector.hpp"
#include "handlers/runtime/options.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/metrics.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace steward::handlers::metrics {

// What a command can set.
struct Settings {
  std::chrono::milliseconds interval{10'000};
  std::vector<std::string> disabled;
  Filters filters;

  bool operator==(const Settings&) const = default;
};

// Those of the configuration.
Settings read_options(runtime::Options options);

// These with what the request names put over them. Errors: bad_payload (no such collector).
[[nodiscard]] Result<Settings> changed_by(Settings settings, const wire::MetricsRequest& request);

// As JSON, in the form of the request.
std::string to_json(const Settings& settings);

// What a command has set last, in that folder; `below` where none has. Errors: io, permission,
// bad_payload: a file that is broken.
[[nodiscard]] Result<Settings> load_settings(const std::filesystem::path& folder, Settings below);

// Whole or not at all, on disk when it returns. Errors: io, no_space, permission.
[[nodiscard]] Result<void> save_settings(const std::filesystem::path& folder,
                                         const Settings& settings);

}  // namespace steward::handlers::metrics
