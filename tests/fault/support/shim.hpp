#pragma once

#include <cstdint>

namespace steward::tests {

// What the shim library is told, in a file that both sides map. Both fields of a word each: read
// and written whole.
struct ShimOrders {
  std::int64_t clock_offset;  // nanoseconds that CLOCK_REALTIME is ahead
  std::int64_t write_error;   // errno of each write and sync to the files below; 0: none
  char file[64];              // a part of their path
};

}  // namespace steward::tests
