#pragma once

#include "subjects/wire/error.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace steward::wire {

// What one unit has measured last, as a station tells it: by series, as Prometheus writes them,
// without the unit.
struct MetricsRow {
  using Values = std::map<std::string, double, std::less<>>;

  std::string unit;
  std::chrono::milliseconds time{0};  // of the unit's clock, since 1970
  std::chrono::milliseconds interval{0};
  std::chrono::microseconds took{0};  // to measure
  Values gauges;
  Values counters;

  bool operator==(const MetricsRow&) const = default;
};

std::string encode(const MetricsRow& row);

// Errors: bad_payload.
[[nodiscard]] Result<MetricsRow> decode_metrics_row(std::string_view json);

}  // namespace steward::wire
