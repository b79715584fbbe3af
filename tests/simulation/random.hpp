#pragma once

#include <chrono>
#include <cstdint>

namespace steward::simulation {

// Chance that is the same for a seed on every machine (splitmix64; the distributions of the
// standard library differ between its makers).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31U);
  }

  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

  // 0 to 1.
  double fraction() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

  bool happens(double probability) { return fraction() < probability; }

  std::chrono::milliseconds between(std::chrono::milliseconds least,
                                    std::chrono::milliseconds most) {
    const auto span = static_cast<std::uint64_t>((most - least).count()) + 1;
    return least + std::chrono::milliseconds(static_cast<std::int64_t>(below(span)));
  }

 private:
  std::uint64_t state_;
};

}  // namespace steward::simulation
