#pragma once

#include "subjects/wire/metrics.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace steward::tests {

// What a unit says of its metrics: its schema, and round after round.
class Rounds {
 public:
  explicit Rounds(wire::MetricSchema schema) : schema_(std::move(schema)) {}

  std::string schema() const { return wire::encode(schema_); }

  // A whole one.
  std::string whole(std::vector<std::int64_t> numbers) {
    base_ = numbers;
    base_number_ = next();
    return wire::encode_metric_round(head(0), numbers, {});
  }

  // One that says what has changed since the last whole one.
  std::string changed(const std::vector<std::int64_t>& numbers) {
    next();
    return wire::encode_metric_round(head(base_number_), numbers, base_);
  }

  // Goes out and is heard by nobody.
  void lose() { next(); }

  std::chrono::milliseconds interval{10'000};

 private:
  std::uint64_t next() {
    time_ += interval;
    return ++number_;
  }

  wire::MetricRoundHead head(std::uint64_t base) const {
    return {.schema = schema_.hash(),
            .number = number_,
            .base = base,
            .time = time_,
            .took = std::chrono::microseconds(300)};
  }

  const wire::MetricSchema schema_;
  std::vector<std::int64_t> base_;
  std::uint64_t base_number_ = 0;
  std::uint64_t number_ = 0;
  std::chrono::milliseconds time_{1'795'291'029'038};
};

inline wire::MetricSchema two_series() {
  return {{{"node_load1", wire::MetricType::gauge, 1, 100},
           {"node_disk_read_bytes_total{device=\"sda\"}", wire::MetricType::counter, 512, 1}}};
}

}  // namespace steward::tests
