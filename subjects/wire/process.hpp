#pragma once

#include <cstdint>
#include <optional>

namespace steward::wire {

// What holds a process, and all that it starts, within bounds: of commands and of daemons. Zero or
// none: not limited.
struct ProcessLimits {
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::int64_t> cpu_percent;  // 100 is one core
  std::optional<std::int64_t> processes;
  std::optional<std::int64_t> io_weight;  // 1 to 10000
  std::optional<std::int64_t> nice;       // -20 to 19
  std::optional<std::int64_t> open_files;
  std::optional<std::int64_t> file_bytes;

  bool any() const { return *this != ProcessLimits{}; }

  bool operator==(const ProcessLimits&) const = default;
};

}  // namespace steward::wire
