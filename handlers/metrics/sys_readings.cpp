#include "handlers/metrics/sys_readings.hpp"

#include "handlers/metrics/collectors/collectors.hpp"
#include "handlers/metrics/scan.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace steward::handlers::metrics {
namespace {

constexpr int kRoundsBetweenLooks = 60;

void tell_reading(const SysReading& one, std::int64_t number, Samples& out) {
  const Name name(one.metric, {});
  const bool counts = one.type == wire::MetricType::counter;
  const Label first{one.first.first, one.first.second};
  const Label second{one.second.first, one.second.second};
  const auto say = [&](Labels labels) {
    counts ? out.counter(name, labels, number, one.unit)
           : out.gauge(name, labels, number, one.unit);
  };
  one.second.first.empty() ? say({first}) : say({first, second});
}

}  // namespace

Result<void> SysReadings::collect(Samples& out, std::string& buffer) {
  if (rounds_++ % kRoundsBetweenLooks == 0) {
    readings_ = find_();
  }
  for (auto& one : readings_) {
    const auto text = one.file.read(buffer);
    if (!text) {
      continue;
    }
    if (const auto number = parse_number(*text)) {
      tell_reading(one, *number, out);
    }
  }
  if (readings_.empty()) {
    return failure(ErrorCode::not_found, "no such devices");
  }
  return {};
}

std::vector<std::string> numbered(const std::string& folder, std::string_view prefix) {
  std::vector<std::pair<std::int64_t, std::string>> found;
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator();
       at.increment(error)) {
    auto name = at->path().filename().string();
    if (name.starts_with(prefix)) {
      if (const auto number = whole(std::string_view(name).substr(prefix.size()))) {
        found.emplace_back(*number, std::move(name));
      }
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  names.reserve(found.size());
  for (auto& [number, name] : found) {
    names.push_back(std::move(name));
  }
  return names;
}

std::string first_line(const std::string& path) {
  std::string buffer;
  ProcFile file(path);
  auto text = file.read(buffer);
  return text ? std::string(next_line(*text)) : "";
}

bool is_there(const std::string& path) { return ::access(path.c_str(), R_OK) == 0; }

}  // namespace steward::handlers::metrics
