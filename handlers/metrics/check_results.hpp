#pragma once

#include "handlers/metrics/told.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace steward::handlers::metrics {

// What the checks of a unit have said last. On the handler's thread.
class CheckResults {
 public:
  struct Outcome {
    std::string name;
    bool has_run = false;       // or was to
    int status = 3;             // as plugins for Nagios end: 0 ok, 1 warning, 2 critical, 3 unknown
    std::string message;        // its first line, shortened
    std::string error;          // why it has none of its values; empty: it has
    std::int64_t ended_ms = 0;  // since 1970
    std::chrono::milliseconds took{0};
    std::uint64_t runs = 0;
    std::uint64_t skipped = 0;  // it was due while it still ran
    ToldSeries series;
  };

  virtual ~CheckResults() = default;

  virtual std::vector<const Outcome*> results() const = 0;
};

}  // namespace steward::handlers::metrics
