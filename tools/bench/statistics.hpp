#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace steward::bench {

// Times that were measured, and what they say together.
class Samples {
 public:
  void add(std::chrono::nanoseconds sample) { samples_.push_back(sample); }

  std::size_t count() const { return samples_.size(); }

  // The smallest sample that at least `fraction` (0 to 1) of all samples do not exceed (nearest
  // rank); zero where there are none.
  std::chrono::nanoseconds percentile(double fraction) const;

 private:
  std::vector<std::chrono::nanoseconds> samples_;
};

// Something counted over a time, in several rounds.
class Rate {
 public:
  void add(std::size_t count, std::chrono::nanoseconds time);

  std::size_t count() const { return count_; }

  // Zero where no time has passed.
  double per_second() const;

 private:
  std::size_t count_ = 0;
  std::chrono::nanoseconds time_{0};
};

}  // namespace steward::bench
