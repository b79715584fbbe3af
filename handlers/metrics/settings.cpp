#include "handlers/metrics/settings.hpp"

#include "handlers/metrics/measurement.hpp"
#include "handlers/metrics/proc_file.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace steward::handlers::metrics {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kFile = "settings.json";

void read_globs(runtime::Options& options, std::string_view key, std::vector<std::string>& globs) {
  if (options.has(key)) {
    globs = options.texts(key);
  }
}

Result<void> write_whole(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    return tl::unexpected(system_error(errno, "create " + path));
  }
  const auto written = ::write(file, text.data(), text.size());
  int error = written == static_cast<ssize_t>(text.size()) ? 0 : written < 0 ? errno : ENOSPC;
  if (error == 0 && ::fsync(file) != 0) {
    error = errno;
  }
  ::close(file);
  if (error != 0) {
    return tl::unexpected(system_error(error, "write " + path));
  }
  return {};
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
  std::string buffer;
  ProcFile file((folder / kFile).string());
  const auto text = file.read(buffer);
  if (!text) {
    if (text.error().code == ErrorCode::not_found) {
      return below;
    }
    return tl::unexpected<Error>(text.error());
  }
  STEWARD_TRY(const auto request, wire::decode_metrics_request(*text));
  return changed_by(std::move(below), request);
}

Result<void> save_settings(const fs::path& folder, const Settings& settings) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return tl::unexpected(system_error(error.value(), "make " + folder.string()));
  }
  const auto path = (folder / kFile).string();
  if (auto written = write_whole(path + ".new", to_json(settings)); !written) {
    return written;
  }
  if (std::rename((path + ".new").c_str(), path.c_str()) != 0) {
    return tl::unexpected(system_error(errno, "put " + path + " in place"));
  }
  // The name, too.
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return {};
}

}  // namespace steward::handlers::metrics
