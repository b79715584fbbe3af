#include "tools/bench/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace steward::bench {

std::chrono::nanoseconds Samples::percentile(double fraction) const {
  if (samples_.empty()) {
    return std::chrono::nanoseconds(0);
  }
  const double wanted = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count()));
  const std::size_t rank = std::max<std::size_t>(static_cast<std::size_t>(wanted), 1);
  std::vector<std::chrono::nanoseconds> sorted = samples_;
  const auto nth = sorted.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::nth_element(sorted.begin(), nth, sorted.end());
  return *nth;
}

void Rate::add(std::size_t count, std::chrono::nanoseconds time) {
  count_ += count;
  time_ += time;
}

double Rate::per_second() const {
  if (time_ <= std::chrono::nanoseconds(0)) {
    return 0;
  }
  return static_cast<double>(count_) / std::chrono::duration<double>(time_).count();
}

}  // namespace steward::bench
