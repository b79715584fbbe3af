#include "tools/stewardctl/metric_looks.hpp"

#include "subjects/wire/metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace steward::ctl {
namespace {

using wire::MetricsRow;

constexpr std::size_t kMostKept = 120;

std::optional<double> value_of(const MetricsRow::Values& values, std::string_view key) {
  const auto at = values.find(key);
  return at == values.end() ? std::nullopt : std::optional(at->second);
}

// The sum of all series of that pattern; none where there is no such.
std::optional<double> sum(const MetricsRow::Values& values,
                          std::string_view pattern,
                          std::string_view but = {}) {
  std::optional<double> total;
  for (const auto& [key, value] : values) {
    if (wire::is_meant(key, pattern) && (but.empty() || !wire::is_meant(key, but))) {
      total = total.value_or(0) + value;
    }
  }
  return total;
}

std::optional<double> cpu_share(const MetricsRow::Values& rates) {
  const auto all = sum(rates, "cpu_seconds_total");
  const auto idle = sum(rates, R"(cpu_seconds_total{mode="idle"})");
  const auto waiting = sum(rates, R"(cpu_seconds_total{mode="iowait"})");
  if (!all || !idle || *all <= 0) {
    return std::nullopt;
  }
  return std::clamp(1 - (*idle + waiting.value_or(0)) / *all, 0.0, 1.0);
}

// Of the file system of which the least is left to use.
std::optional<double> disk_share(const MetricsRow::Values& gauges) {
  constexpr std::string_view kAvail = "node_filesystem_avail_bytes";
  std::optional<double> fullest;
  for (auto at = gauges.lower_bound(kAvail); at != gauges.end() && at->first.starts_with(kAvail);
       ++at) {
    const auto size =
        value_of(gauges, "node_filesystem_size_bytes" + at->first.substr(kAvail.size()));
    if (size && *size > 0) {
      fullest = std::max(fullest.value_or(0), 1 - at->second / *size);
    }
  }
  return fullest;
}

}  // namespace

void MetricLooks::take(const std::vector<MetricsRow>& rows) {
  std::map<std::string, Unit> units;
  for (const auto& row : rows) {
    const auto known = units_.find(row.unit);
    Unit unit = known == units_.end() ? Unit{row, std::nullopt, {}} : std::move(known->second);
    if (row.time != unit.now.time) {
      unit.before = std::exchange(unit.now, row);
      if (const auto cpu = cpu_share(rates(unit))) {
        unit.cpu.push_back(*cpu);
      }
      if (unit.cpu.size() > kMostKept) {
        unit.cpu.pop_front();
      }
    }
    units.insert_or_assign(row.unit, std::move(unit));
  }
  units_ = std::move(units);
}

bool MetricLooks::has_rates() const {
  return std::all_of(
      units_.begin(), units_.end(), [](const auto& unit) { return unit.second.before; });
}

MetricsRow::Values rates(const MetricLooks::Unit& unit) {
  MetricsRow::Values rates;
  if (!unit.before || unit.now.time <= unit.before->time) {
    return rates;
  }
  const double seconds = std::chrono::duration<double>(unit.now.time - unit.before->time).count();
  for (const auto& [key, value] : unit.now.counters) {
    const auto before = value_of(unit.before->counters, key);
    if (before && value >= *before) {
      rates.emplace(key, (value - *before) / seconds);
    }
  }
  return rates;
}

Glance glance(const MetricLooks::Unit& unit) {
  const auto growth = rates(unit);
  const auto& gauges = unit.now.gauges;
  Glance out;
  out.cpu = cpu_share(growth);
  out.load = value_of(gauges, "node_load1");
  const auto total = value_of(gauges, "node_memory_MemTotal_bytes");
  const auto available = value_of(gauges, "node_memory_MemAvailable_bytes");
  if (total && available && *total > 0) {
    out.memory = 1 - *available / *total;
  }
  out.disk = disk_share(gauges);
  out.in =
      sum(growth, "network_receive_bytes_total", R"(network_receive_bytes_total{device="lo"})");
  out.out =
      sum(growth, "network_transmit_bytes_total", R"(network_transmit_bytes_total{device="lo"})");
  return out;
}

std::vector<std::string> glance_keys() {
  return {"cpu_seconds_total",
          "load1",
          "memory_MemTotal_bytes",
          "memory_MemAvailable_bytes",
          "filesystem_avail_bytes",
          "filesystem_size_bytes",
          "network_receive_bytes_total",
          "network_transmit_bytes_total"};
}

std::string chart(const std::deque<double>& values, std::size_t width, bool ascii) {
  constexpr std::array<std::string_view, 8> kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<std::string_view, 8> kPlain{"_", ".", "-", "=", "+", "*", "%", "#"};
  std::string out(values.size() < width ? width - values.size() : 0, ' ');
  for (std::size_t at = values.size() - std::min(values.size(), width); at < values.size(); ++at) {
    const auto level = static_cast<std::size_t>(std::clamp(std::floor(values[at] * 8), 0.0, 7.0));
    out += ascii ? kPlain[level] : kBars[level];
  }
  return out;
}

}  // namespace steward::ctl
