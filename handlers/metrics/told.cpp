#include "handlers/metrics/told.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

namespace steward::handlers::metrics {
namespace {

constexpr int kCoarsest = -3;
constexpr int kFinest = 3;
constexpr std::array<double, 7> kFactors{1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9};

double factor(int level) { return kFactors[static_cast<std::size_t>(level - kCoarsest)]; }

// But for what a double itself cannot hold.
bool is_whole(double number) {
  constexpr double kNoise = 1e-13;
  return std::abs(number - std::round(number)) <= kNoise * std::abs(number);
}

}  // namespace

std::int64_t Scale::number(double value) {
  constexpr auto kMost = static_cast<double>(wire::kMostNumber);
  if (!std::isfinite(value)) {
    return wire::kAbsent;
  }
  while (ceiling_ > kCoarsest && std::abs(value) * factor(ceiling_) > kMost) {
    --ceiling_;
  }
  while (level_ < ceiling_ && level_ < kFinest && !is_whole(value * factor(level_))) {
    ++level_;
  }
  level_ = std::min(level_, ceiling_);
  const double number = std::round(value * factor(level_));
  if (std::abs(number) >= kMost) {
    return number < 0 ? -wire::kMostNumber : wire::kMostNumber;
  }
  return static_cast<std::int64_t>(number);
}

Unit Scale::unit() const {
  const auto whole = static_cast<std::uint32_t>(std::round(factor(std::abs(level_))));
  return level_ < 0 ? Unit{whole, 1} : Unit{1, whole};
}

void ToldSeries::take(std::vector<Told> told) {
  std::map<std::string, Scale, std::less<>> known;
  for (auto& line : lines_) {
    known.emplace(std::move(line.key), line.scale);
  }
  lines_.clear();
  for (auto& one : told) {
    if (!wire::is_metric_pattern(one.key)) {
      continue;
    }
    const auto scale = known.find(one.key);
    Line line{
        .key = std::move(one.key),
        .type = one.type,
        .scale = scale == known.end() ? Scale() : scale->second,
    };
    line.number = line.scale.number(one.value);
    lines_.push_back(std::move(line));
  }
}

void ToldSeries::lose() {
  for (auto& line : lines_) {
    line.number = wire::kAbsent;
  }
}

void ToldSeries::tell(Samples& out) const {
  for (const auto& line : lines_) {
    out.told(line.key, line.type, line.number, line.scale.unit());
  }
}

}  // namespace steward::handlers::metrics
