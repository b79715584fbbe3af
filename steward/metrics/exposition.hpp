#pragma once

#include "steward/metrics/fleet_view.hpp"
#include "steward/metrics/metrics_table.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::station {

// Writes what a station knows in the text format of Prometheus (version 0.0.4), piece by piece: a
// fleet's is tens of megabytes. Each family is told once, with all units in it. A unit's own
// families that begin with steward_unit_ or steward_station_ are left out: those are the station's.
//
// What it is made from stays as it was meanwhile. One thread.
class Exposition {
 public:
  using Metrics = std::vector<std::pair<std::string, std::shared_ptr<const MetricsTable::Latest>>>;

  Exposition(const FleetView& fleet, Metrics metrics);

  // The next piece, at most about `most` bytes, until it is empty: that was all.
  std::string next(std::size_t most = 256 * 1024);

 private:
  void write_family(std::string& out, std::string_view name) const;

  std::string head_;  // of the fleet and the station
  Metrics metrics_;
  std::vector<std::string_view> families_;  // of units, sorted
  std::size_t at_ = 0;
};

// Of one unit, all that is known of it.
std::string expose_unit(const FleetView& fleet,
                        std::string_view unit,
                        const std::shared_ptr<const MetricsTable::Latest>& latest);

}  // namespace steward::station
