#include "subjects/bus/nats_bus.hpp"
#include "subjects/wire/metrics.hpp"
#include "tools/bench/measurements.hpp"
#include "tools/bench/process_figures.hpp"
#include "tools/bench/scrape.hpp"

#include <algorithm>
#include <thread>

namespace steward::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMeasuredUnits = 1'000;
constexpr std::size_t kSeries = 450;
constexpr std::size_t kChanging = 120;  // of them, from one round to the next
constexpr std::chrono::seconds kFleetPatience{10};

// As long as those of a real unit, on the average.
wire::MetricSchema schema() {
  wire::MetricSchema schema;
  for (std::size_t number = 0; number < kSeries; ++number) {
    const auto family = std::to_string(number / 8);
    schema.series.push_back({"node_bench_family_" + family + "_bytes_total{device=\"disk" +
                                 std::to_string(number % 8) + "\"}",
                             wire::MetricType::counter,
                             number % 3 == 0 ? 512U : 1U,
                             number % 3 == 1 ? 1'000U : 1U});
  }
  return schema;
}

// Rounds of all units, one after the other.
class Fleet {
 public:
  static Result<std::unique_ptr<Fleet>> connect(const std::string& broker) {
    bus::NatsOptions options;
    options.servers = {broker};
    options.name = "steward-bench";
    STEWARD_TRY(auto bus, bus::NatsBus::open(std::move(options)));
    if (auto up = bus->wait_until_up(kFleetPatience); !up) {
      return tl::unexpected(std::move(up).error());
    }
    return std::unique_ptr<Fleet>(new Fleet(std::move(bus)));
  }

  Result<void> introduce() {
    for (std::size_t unit = 0; unit < kMeasuredUnits; ++unit) {
      if (auto said = say(unit, wire::encode(schema_)); !said) {
        return said;
      }
    }
    return round(true);
  }

  Result<void> round(bool whole) {
    ++number_;
    for (std::size_t at = 0; at < kChanging; ++at) {
      numbers_[at * kSeries / kChanging] += static_cast<std::int64_t>(at * 37 + 1);
    }
    if (whole) {
      base_ = numbers_;
      base_number_ = number_;
    }
    const wire::MetricRoundHead head{.schema = hash_,
                                     .number = number_,
                                     .base = whole ? 0 : base_number_,
                                     .time = std::chrono::milliseconds(number_ * 1'000),
                                     .took = std::chrono::microseconds(300)};
    const auto payload = wire::encode_metric_round(
        head, numbers_, whole ? std::span<const std::int64_t>() : std::span(base_));
    for (std::size_t unit = 0; unit < kMeasuredUnits; ++unit) {
      if (auto said = say(unit, payload); !said) {
        return said;
      }
    }
    return bus_->flush(kFleetPatience);
  }

 private:
  explicit Fleet(std::unique_ptr<bus::NatsBus> bus)
      : bus_(std::move(bus)), schema_(schema()), hash_(schema_.hash()), numbers_(kSeries, 1'000) {}

  Result<void> say(std::size_t unit, std::string payload) {
    return bus_->publish(
        {"fleet" + std::to_string(unit) + ".event.metrics.system", {}, std::move(payload), {}});
  }

  const std::unique_ptr<bus::NatsBus> bus_;
  const wire::MetricSchema schema_;
  const std::uint64_t hash_;
  std::vector<std::int64_t> numbers_;
  std::vector<std::int64_t> base_;
  std::uint64_t number_ = 0;
  std::uint64_t base_number_ = 0;
};

}  // namespace

Result<std::vector<Figure>> measure_fleet_metrics(Rig& rig, std::chrono::seconds time) {
  STEWARD_TRY(const auto fleet, Fleet::connect(rig.broker()));
  if (auto introduced = fleet->introduce(); !introduced) {
    return tl::unexpected(std::move(introduced).error());
  }
  std::this_thread::sleep_for(std::chrono::seconds(2));  // until the station has read them all
  if (auto begun = start_peak(rig.station()); !begun) {
    return tl::unexpected(std::move(begun).error());
  }
  STEWARD_TRY(const auto cpu_before, cpu_time_of(rig.station()));
  const auto began = Clock::now();
  for (auto next = began; next < began + time; next += std::chrono::seconds(1)) {
    std::this_thread::sleep_until(next);
    if (auto said = fleet->round(false); !said) {
      return tl::unexpected(std::move(said).error());
    }
  }
  std::this_thread::sleep_until(began + time);
  STEWARD_TRY(const auto cpu_after, cpu_time_of(rig.station()));
  const std::chrono::duration<double> took = Clock::now() - began;
  std::vector<double> seconds;
  std::size_t bytes = 0;
  for (int scrapes = 0; scrapes < 5; ++scrapes) {
    const auto asked = Clock::now();
    STEWARD_TRY(const std::string page, scrape(rig.http_port()));
    seconds.push_back(std::chrono::duration<double>(Clock::now() - asked).count());
    bytes = page.size();
  }
  std::sort(seconds.begin(), seconds.end());
  STEWARD_TRY(const std::int64_t peak, peak_resident_of(rig.station()));
  return std::vector<Figure>{
      {.name = "/metrics of 1,000 units",
       .unit = "s",
       .ours = seconds[seconds.size() / 2],
       .bar = {BarKind::value_at_most, 1.5}},
      {.name = "its size", .unit = "MB", .ours = static_cast<double>(bytes) / 1e6},
      {.name = "station's peak RSS",
       .unit = "MB",
       .ours = static_cast<double>(peak) / 1e6,
       .bar = {BarKind::value_at_most, 600}},
      {.name = "1,000 rounds/s taken in",
       .unit = "core",
       .ours = std::chrono::duration<double>(cpu_after - cpu_before).count() / took.count(),
       .bar = {BarKind::value_at_most, 0.5}}};
}

}  // namespace steward::bench
