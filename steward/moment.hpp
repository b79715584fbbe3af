#pragma once

#include "subjects/wire/time.hpp"

#include <chrono>

namespace steward::station {

// Now, on both clocks. Silence is judged by the steady one, so that a step of the wall clock makes
// no unit late; what people read comes from the other.
struct Moment {
  std::chrono::steady_clock::time_point steady;
  wire::Timestamp wall;
};

}  // namespace steward::station
