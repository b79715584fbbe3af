#pragma once

#include "subjects/wire/error.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace steward::bench {

// What a process takes of the machine, in bytes.
struct Memory {
  std::int64_t resident = 0;
  std::int64_t proportional = 0;
  std::int64_t anonymous = 0;
};

// The sums of /proc/<pid>/smaps_rollup. Errors: bad_payload, naming the line that is missing.
[[nodiscard]] Result<Memory> parse_memory(std::string_view smaps_rollup);

// The number of a "Name:   123 kB" or "Name: 7" line of a file of /proc. Errors: bad_payload.
[[nodiscard]] Result<std::int64_t> parse_field(std::string_view text, std::string_view name);

// Errors of all below: not_found (no such process), permission, bad_payload.
[[nodiscard]] Result<Memory> memory_of(pid_t pid);
[[nodiscard]] Result<std::int64_t> threads_of(pid_t pid);

// On a core, all threads together, by the scheduler's own nanosecond account.
[[nodiscard]] Result<std::chrono::nanoseconds> cpu_time_of(pid_t pid);

// The highest resident size since start_peak, in bytes.
[[nodiscard]] Result<void> start_peak(pid_t pid);
[[nodiscard]] Result<std::int64_t> peak_resident_of(pid_t pid);

}  // namespace steward::bench
