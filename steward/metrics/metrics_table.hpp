#pragma once

#include "steward/metrics/wanted.hpp"
#include "subjects/bus/mutex.hpp"
#include "subjects/wire/metrics.hpp"
#include "subjects/wire/metrics_row.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::station {

// What units' rounds of metrics have in common: their series, in families as Prometheus wants them
// told. One for all units that have the same.
struct MetricFamilies {
  struct Line {
    std::string head;  // all of a line up to the unit's name: node_load1{unit="
    std::size_t number = 0;
    std::uint32_t multiplier = 1;
    std::uint32_t divisor = 1;
    wire::MetricType type = wire::MetricType::gauge;
  };

  struct Family {
    wire::MetricType type = wire::MetricType::gauge;
    std::vector<Line> lines;
  };

  explicit MetricFamilies(const wire::MetricSchema& schema);

  // The schema that it was made from.
  wire::MetricSchema schema() const;

  std::size_t series = 0;
  std::uint64_t schema_hash = 0;
  std::map<std::string, Family, std::less<>> families;
  std::string digest;  // SHA-256 of the schema's payload: nobody can forge another one to it
};

// The latest round of metrics of every unit. Any thread.
class MetricsTable {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // One unit's, as it was when it was asked for.
  struct Latest {
    std::shared_ptr<const MetricFamilies> families;
    std::vector<std::int64_t> numbers;
    std::chrono::milliseconds time{0};  // of the unit's wall clock, since 1970
    std::chrono::microseconds took{0};
    std::chrono::milliseconds interval{0};
    Steady heard;
  };

  struct Counts {
    std::uint64_t rounds = 0;      // taken
    std::uint64_t incomplete = 0;  // whose schema or base is not known
    std::uint64_t garbled = 0;
    std::uint64_t late = 0;     // that are for the stream alone
    std::uint64_t refused = 0;  // for which there is no room
    std::size_t units = 0;
    std::size_t series = 0;  // of all units
  };

  // Bounds of all that units can make us keep.
  struct Bounds {
    std::size_t units = 200'000;
    std::size_t series = 20'000'000;
  };

  MetricsTable() : MetricsTable(Bounds{}) {}

  explicit MetricsTable(Bounds bounds) : bounds_(bounds) {}

  // Takes the payload of <unit>.event.metrics.system.
  void take(std::string_view unit, std::string_view payload, Steady now);

  // Of a unit whose last round is not older than three of its intervals; else null.
  std::shared_ptr<const Latest> find(std::string_view unit, Steady now) const;

  // Of all such units, by name.
  std::vector<std::pair<std::string, std::shared_ptr<const Latest>>> fresh(Steady now) const;

  // A unit's latest round, as it is kept on disk.
  struct Kept {
    std::string unit;
    std::string digest;  // of its schema
    std::string schema;  // the payload
    std::string round;   // the payload, a whole one
    std::chrono::milliseconds interval{0};
    std::chrono::milliseconds age{0};  // since it was heard
  };

  // The latest rounds that were heard since `since`, their schemas' payloads left empty.
  std::vector<Kept> heard_since(Steady since, Steady now) const;

  // The payload of a schema that some unit has; empty where none has any more.
  std::string schema_of(std::string_view digest) const;

  // What an earlier station has kept, before anything is taken: it is as old as it is. One that
  // cannot be read is left out.
  void restore(const Kept& kept, Steady now);

  // Units whose rounds cannot be read, since their schema or base was said before we heard: to be
  // asked for both. Each is named again after a minute, then at longer and longer intervals, at
  // most `most` at once.
  std::vector<std::string> lacking(Steady now, std::size_t most);

  // Drops what has not been heard for an hour.
  void forget_silent(Steady now);

  Counts counts() const;

 private:
  struct Unit {
    std::uint64_t schema = 0;
    std::shared_ptr<const MetricFamilies> families;  // null: not known
    std::uint64_t base_number = 0;
    std::vector<std::int64_t> base;
    std::uint64_t number = 0;  // of the latest round
    std::shared_ptr<const Latest> latest;
    Steady heard;
  };

  void take_schema(Unit& unit, std::string_view payload) STEWARD_REQUIRES(mutex_);
  void take_round(std::string_view name, Unit& unit, std::string_view payload, Steady now)
      STEWARD_REQUIRES(mutex_);
  Unit* find_or_add(std::string_view unit) STEWARD_REQUIRES(mutex_);
  std::shared_ptr<const MetricFamilies> shared(const wire::MetricSchema& schema,
                                               std::string_view payload) STEWARD_REQUIRES(mutex_);
  static bool is_fresh(const Latest& latest, Steady now);

  const Bounds bounds_;
  mutable bus::Mutex mutex_;
  std::map<std::string, Unit, std::less<>> units_ STEWARD_GUARDED_BY(mutex_);
  Wanted lacking_ STEWARD_GUARDED_BY(mutex_){
      {std::chrono::seconds(0), std::chrono::seconds(60), std::chrono::seconds(3'600)}};
  std::map<std::string, std::weak_ptr<const MetricFamilies>> schemas_ STEWARD_GUARDED_BY(mutex_);
  Counts counts_ STEWARD_GUARDED_BY(mutex_);
};

// As a row of an answer: the series that one of the patterns means; all without any.
wire::MetricsRow metrics_row(const std::string& unit,
                             const MetricsTable::Latest& latest,
                             const std::vector<std::string>& patterns);

}  // namespace steward::station
