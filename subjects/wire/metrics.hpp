#pragma once

#include "subjects/wire/alert.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::wire {

enum class MetricType : std::uint8_t { gauge, counter, untyped };

// One series of a unit. Its values travel as whole numbers: a value is number * multiplier /
// divisor.
struct MetricSeries {
  std::string key;  // as Prometheus writes it: node_disk_io_now{device="vda"}
  MetricType type = MetricType::gauge;
  std::uint32_t multiplier = 1;
  std::uint32_t divisor = 1;

  double value(std::int64_t number) const {
    return static_cast<double>(number) * multiplier / divisor;
  }

  bool operator==(const MetricSeries&) const = default;
};

// What a person writes for one or several series: a metric's whole name, or without "node_" before
// it, and labels that they must have, in any order: filesystem_avail_bytes{mountpoint="/"}.
bool is_metric_pattern(std::string_view text);

// Whether the series of that key (as above) is meant by such a text.
bool is_meant(std::string_view key, std::string_view pattern);

// `a="1",b="2"` one by one; what stands in quotes may hold commas.
std::vector<std::string_view> labels_in(std::string_view text);

// A key in two: node_disk_io_now and `device="vda"`; node_load1 and nothing.
std::pair<std::string_view, std::string_view> name_and_labels(std::string_view key);

// No schema has more series.
inline constexpr std::size_t kMostSeries = 16'384;

// Numbers are held between these; what stands for a series that has no value in a round is below.
inline constexpr std::int64_t kMostNumber = (std::int64_t{1} << 62) - 1;
inline constexpr std::int64_t kAbsent = INT64_MIN;

// The names of a unit's series, in the order of the values of its rounds.
struct MetricSchema {
  std::vector<MetricSeries> series;
  bool late = false;  // said for late rounds: the unit's present list may be another one

  // What rounds call it by: of the series and their order.
  std::uint64_t hash() const;

  bool operator==(const MetricSchema&) const = default;
};

std::string encode(const MetricSchema& schema);

// Errors: bad_payload (also where its hash is not that of its series), unsupported, too_large.
[[nodiscard]] Result<MetricSchema> decode_metric_schema(std::string_view payload);

// What stands before the values of a round.
struct MetricRoundHead {
  std::uint64_t schema = 0;
  std::uint64_t number = 0;           // of this session of the handler: 1, 2, 3 ...
  std::uint64_t base = 0;             // the round that the numbers are relative to; 0: to nothing
  std::chrono::milliseconds time{0};  // of the unit's wall clock, since 1970
  std::chrono::microseconds took{0};
  bool late = false;  // measured without a link, said later; such a one has no base

  bool operator==(const MetricRoundHead&) const = default;
};

// Whether an event of the method is a round, by its first byte; else it is JSON.
bool is_metric_round(std::string_view payload);

// `numbers` in the order of the schema; `base`: those of the round of that number, or empty.
std::string encode_metric_round(const MetricRoundHead& head,
                                std::span<const std::int64_t> numbers,
                                std::span<const std::int64_t> base);

// Errors of both: bad_payload.
[[nodiscard]] Result<MetricRoundHead> decode_metric_round_head(std::string_view payload);

// The numbers of a round of a schema of so many series; `base` as above, of the same schema.
[[nodiscard]] Result<std::vector<std::int64_t>> decode_metric_numbers(
    std::string_view payload, std::size_t series, std::span<const std::int64_t> base);

// Payload of <node>.command.metrics.<domain>.
struct MetricsRequest {
  enum class Op { status, set, collect, schema, rules };
  Op op = Op::status;
  // For set; what is absent stays as it is.
  std::optional<std::chrono::milliseconds> interval;
  std::optional<std::vector<std::string>> disabled;  // collectors that do not run, all others do
  // Globs of what is left out.
  std::optional<std::vector<std::string>> mountpoints, fstypes, disks, interfaces;
  // For collect: the values in its result.
  bool values = false;
  // For rules: those that are new or other than before, and names of those that go.
  std::vector<AlertRule> add;
  std::vector<std::string> remove;
  std::vector<std::string> ignored;
};

inline constexpr std::chrono::milliseconds kShortestMetricsInterval{100};
inline constexpr std::chrono::milliseconds kLongestMetricsInterval{3'600'000};

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<MetricsRequest> decode_metrics_request(std::string_view payload);

}  // namespace steward::wire
