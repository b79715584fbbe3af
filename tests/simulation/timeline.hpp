#pragma once

#include "subjects/wire/time.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace steward::simulation {

// What happens next. Nothing moves but by a step, and steps of one time come in the order in which
// they were arranged: so a seed plays the same story again.
class Timeline {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // A whole second, so that nothing reads it for a clock that was never set.
  Steady now() const { return now_; }

  std::chrono::milliseconds since_start() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now_ - kStart);
  }

  // The wall clock of a machine whose clock is right.
  wire::Timestamp wall() const {
    return kWallStart + std::chrono::duration_cast<std::chrono::microseconds>(now_ - kStart);
  }

  void at(Steady when, std::function<void()> step) {
    steps_.emplace(std::pair(std::max(when, now_), ++arranged_), std::move(step));
  }

  void after(std::chrono::nanoseconds delay, std::function<void()> step) {
    at(now_ + std::chrono::duration_cast<Steady::duration>(delay), std::move(step));
  }

  // Takes the next step; false when there is none.
  bool step() {
    if (steps_.empty()) {
      return false;
    }
    auto next = steps_.extract(steps_.begin());
    now_ = next.key().first;
    ++taken_;
    next.mapped()();
    return true;
  }

  std::uint64_t taken() const { return taken_; }

 private:
  static constexpr Steady kStart{std::chrono::hours(1)};
  static constexpr wire::Timestamp kWallStart{std::chrono::seconds(1'795'000'000)};

  Steady now_ = kStart;
  std::uint64_t arranged_ = 0;
  std::uint64_t taken_ = 0;
  std::map<std::pair<Steady, std::uint64_t>, std::function<void()>> steps_;
};

}  // namespace steward::simulation
