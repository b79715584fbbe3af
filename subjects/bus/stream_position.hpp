#pragma once

#include "subjects/wire/time.hpp"

#include <cstdint>
#include <string>

namespace steward::bus {

// A message in a stream, so that it is known again: a store that was lost or rolled back holds
// another one, or none, under that number.
struct StreamPosition {
  std::uint64_t seq = 0;   // 0: before the first
  wire::Timestamp time{};  // when the stream took it
  std::string id;          // its ce-id; empty where it has none

  bool operator==(const StreamPosition&) const = default;
};

}  // namespace steward::bus
