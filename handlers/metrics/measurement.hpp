#pragma once

#include "handlers/metrics/collector.hpp"
#include "handlers/metrics/samples.hpp"
#include "handlers/runtime/context.hpp"
#include "subjects/wire/metrics.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::metrics {

// All collectors of a unit, and what the last round of them has given. A collector that fails costs
// its own series in that round and nothing else.
class Measurement {
 public:
  // `disabled`: names of collectors that do not run.
  Measurement(const Roots& roots,
              const Filters& filters,
              const std::vector<std::string>& disabled,
              const runtime::Clock& clock);

  // Asks every collector once.
  void round();

  // The hash of the present list of series.
  std::uint64_t schema_hash() const { return hash_; }

  wire::MetricSchema schema() const;

  // In the order of the schema.
  std::span<const std::int64_t> numbers() const { return numbers_; }

  std::chrono::microseconds took() const { return took_; }

  // How a collector is; of those that run.
  struct Standing {
    std::string_view name;
    std::size_t series = 0;
    std::size_t dropped = 0;  // series that found no room
    std::chrono::microseconds took{0};
    std::optional<Error> error;  // of the last round
    std::uint64_t failures = 0;
    std::string trouble;  // that did not make it fail
  };

  std::vector<Standing> standings() const;

  // Every collector that there is.
  static std::vector<std::string> names();

 private:
  struct Running {
    std::unique_ptr<Collector> collector;
    Samples samples;
    std::chrono::microseconds took{0};
    std::optional<Error> error;
    std::uint64_t failures = 0;
  };

  bool ask(Running& running);
  Samples::Families families_before(const Running& end) const;
  bool tell_standings();
  template <class Take>
  void each_samples(const Take& take) const;

  const runtime::Clock& clock_;
  std::vector<Running> running_;
  Samples own_;  // steward_collector_success
  std::string buffer_;
  std::vector<std::int64_t> numbers_;
  std::uint64_t hash_ = 0;
  std::chrono::microseconds took_{0};
};

}  // namespace steward::handlers::metrics
