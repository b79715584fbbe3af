#pragma once

#include "handlers/metrics/samples.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/metrics.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::metrics {

// A series that a file or a program of the machine's owner tells of.
struct Told {
  std::string key;  // as Prometheus writes it, its labels by name
  wire::MetricType type = wire::MetricType::untyped;
  double value = 0;

  bool operator==(const Told&) const = default;
};

// Of one text, and of all that one collector has been told.
inline constexpr std::size_t kMostTold = 2'048;

// The pure parsers. All take any bytes. Errors: bad_payload, with the line and never with what
// stands there; too_large: more than kMostTold series.

// The text format of Prometheus, and OpenMetrics. Lines with a time are refused, as node_exporter
// does. A label `unit` becomes `exported_unit`: that one is the station's. Histograms and summaries
// are counters, but for the quantiles.
[[nodiscard]] Result<std::vector<Told>> parse_exposition(std::string_view text);

// {"metrics": {name: number}, "labels": {name: text}}, or an object of numbers and of objects of
// them, whose names are joined by '_'. Each gets a label `check`.
[[nodiscard]] Result<std::vector<Told>> parse_check_json(std::string_view text,
                                                         std::string_view check);

// What a plugin for Nagios says of its performance behind the '|':
// steward_check_perfdata{check="disk",label="/"} and such with a unit at the end: _seconds, _bytes,
// _percent, _total.
[[nodiscard]] Result<std::vector<Told>> parse_perfdata(std::string_view text,
                                                       std::string_view check);

// In what a series' values are counted: whole numbers where they are whole, else as fine as they
// need it, to a milliardth. It becomes finer by a value that needs it and coarser by one that is
// too large, and never goes back, so that a series does not change its unit again and again.
class Scale {
 public:
  // wire::kAbsent where it is no number.
  std::int64_t number(double value);

  Unit unit() const;

 private:
  int level_ = 0;    // thousands: -3 counts milliards, 3 milliardths
  int ceiling_ = 3;  // the finest
};

// The series that somebody tells of, and their latest values.
class ToldSeries {
 public:
  // These from now on. What Prometheus would not take is left out.
  void take(std::vector<Told> told);

  // The list stays, none of it has a value.
  void lose();

  void tell(Samples& out) const;

  std::size_t size() const { return lines_.size(); }

 private:
  struct Line {
    std::string key;
    wire::MetricType type = wire::MetricType::untyped;
    std::int64_t number = wire::kAbsent;
    Scale scale;
  };

  std::vector<Line> lines_;
};

}  // namespace steward::handlers::metrics
