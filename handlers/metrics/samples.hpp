#pragma once

#include "subjects/wire/metrics.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::handlers::metrics {

// A metric's name, in up to five parts that are joined.
struct Name {
  // NOLINTNEXTLINE(google-explicit-constructor): a name of one part is just its text
  Name(const char* whole) : parts{whole, {}, {}, {}, {}} {}

  Name(std::string_view a,
       std::string_view b,
       std::string_view c = {},
       std::string_view d = {},
       std::string_view e = {})
      : parts{a, b, c, d, e} {}

  std::array<std::string_view, 5> parts;
};

struct Label {
  std::string_view name;
  std::string_view value;
};

using Labels = std::initializer_list<Label>;

// In what a number is counted: the value is number * multiplier / divisor.
struct Unit {
  std::uint32_t multiplier = 1;
  std::uint32_t divisor = 1;
};

inline constexpr Unit kOne{};
inline constexpr Unit kCenti{1, 100};
inline constexpr Unit kMilli{1, 1'000};
inline constexpr Unit kMicro{1, 1'000'000};
inline constexpr Unit kNano{1, 1'000'000'000};
inline constexpr Unit kKibi{1'024, 1};
inline constexpr Unit kKilo{1'000, 1};

// The series of one collector and their latest numbers. A round says them again, in the same order
// as the last one wherever the machine is the same: then nothing is allocated. A series that comes
// new, or is missing, makes another list of series (finish() says so).
class Samples {
 public:
  void begin();

  // A number of wire::kAbsent keeps the series' place in the list.
  void gauge(const Name& name, Labels labels, std::int64_t number, Unit unit = kOne);
  void counter(const Name& name, Labels labels, std::int64_t number, Unit unit = kOne);
  void untyped(const Name& name, Labels labels, std::int64_t number);

  // A series that somebody else has measured, by its whole key; without room or of a family that is
  // left out it counts as dropped.
  void told(std::string_view key, wire::MetricType type, std::int64_t number, Unit unit);

  using Families = std::set<std::string, std::less<>>;

  // Nobody can tell of these, from now on.
  void leave_out(Families families) { left_out_ = std::move(families); }

  // Ends a round that went well. True when the list of series is another one than before.
  bool finish();

  // Ends a round that failed: the list stays, all of it is absent. True as above.
  bool abandon();

  const std::vector<wire::MetricSeries>& series() const { return series_; }

  std::span<const std::int64_t> numbers() const { return numbers_; }

  // Series of this round that found no room or had too long a name.
  std::size_t dropped() const { return dropped_; }

 private:
  void add(const Name& name, Labels labels, std::int64_t number, Unit unit, wire::MetricType type);
  void add_composed(std::int64_t number, Unit unit, wire::MetricType type);
  void compose(const Name& name, Labels labels);
  // Whether the last round had that series at this place: known without composing its key.
  bool stands_here(const Name& name, Labels labels) const;
  // `stands`: the series is the one at this place; else its key is in key_.
  void put(bool stands, std::int64_t number, Unit unit, wire::MetricType type);

  std::vector<wire::MetricSeries> series_;
  std::vector<std::int64_t> numbers_;
  std::string key_;  // of the series that is being added
  std::size_t at_ = 0;
  bool changed_ = false;
  std::size_t dropped_ = 0;
  std::size_t told_bytes_ = 0;
  Families left_out_;
};

}  // namespace steward::handlers::metrics
