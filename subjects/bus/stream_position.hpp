#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace steward::bus {

// A message in a stream, so that it is known again: a store that was lost or rolled back holds
// another one, or none, under that number.
struct StreamPosition {
  std::uint64_t seq = 0;             // 0: before the first
  std::chrono::nanoseconds time{0};  // since 1970: when the stream took it
  std::string id;                    // its ce-id; empty where it has none

  bool operator==(const StreamPosition&) const = default;
};

}  // namespace steward::bus
