#pragma once

#include "subjects/wire/metrics_row.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::ctl {

// What units measured in the last two of their rounds that we have seen, so that counters become
// growth per second. Pure.
class MetricLooks {
 public:
  // Takes what a station has told; a round that is known already is not a new one.
  void take(const std::vector<wire::MetricsRow>& rows);

  // By name.
  struct Unit {
    wire::MetricsRow now;
    std::optional<wire::MetricsRow> before;
    std::deque<double> cpu;  // shares of the last rounds, the newest last
  };

  const std::map<std::string, Unit>& units() const { return units_; }

  // Whether all have two rounds.
  bool has_rates() const;

 private:
  std::map<std::string, Unit> units_;
};

// The growth per second of each counter between the two rounds; none of one that began anew.
wire::MetricsRow::Values rates(const MetricLooks::Unit& unit);

// What matters of a machine at a glance; none where it is not measured, or not twice yet.
struct Glance {
  std::optional<double> cpu;   // share of all cores that was busy
  std::optional<double> load;  // of the last minute
  std::optional<double> memory;
  std::optional<double> disk;  // of the fullest file system
  std::optional<double> in;    // bytes per second, all interfaces but lo
  std::optional<double> out;
};

Glance glance(const MetricLooks::Unit& unit);

// The metrics that it takes.
std::vector<std::string> glance_keys();

// One column for each value, which are shares; the last `width` of them.
std::string chart(const std::deque<double>& values, std::size_t width, bool ascii);

}  // namespace steward::ctl
