#include "handlers/metrics/measurement.hpp"

#include "handlers/metrics/collectors/collectors.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::metrics {

using std::chrono::duration_cast;
using std::chrono::microseconds;

Measurement::Measurement(const Roots& roots,
                         const Filters& filters,
                         const std::vector<std::string>& disabled,
                         const runtime::Clock& clock)
    : clock_(clock) {
  for (auto& collector : make_collectors(roots, filters)) {
    if (std::find(disabled.begin(), disabled.end(), collector->name()) == disabled.end()) {
      running_.push_back({.collector = std::move(collector)});
    }
  }
}

bool Measurement::ask(Running& running) {
  const auto began = clock_.steady();
  running.samples.begin();
  auto collected = running.collector->collect(running.samples, buffer_);
  running.took = duration_cast<microseconds>(clock_.steady() - began);
  if (collected) {
    running.error.reset();
    return running.samples.finish();
  }
  running.error = std::move(collected).error();
  ++running.failures;
  return running.samples.abandon();
}

Samples::Families Measurement::families_before(const Running& end) const {
  Samples::Families families;
  for (const auto* at = running_.data(); at != &end; ++at) {
    for (const auto& series : at->samples.series()) {
      families.emplace(wire::name_and_labels(series.key).first);
    }
  }
  return families;
}

bool Measurement::tell_standings() {
  own_.begin();
  for (const auto& running : running_) {
    own_.gauge("steward_collector_success",
               {{"collector", running.collector->name()}},
               running.error ? 0 : 1);
  }
  return own_.finish();
}

template <class Take>
void Measurement::each_samples(const Take& take) const {
  for (const auto& running : running_) {
    take(running.samples);
  }
  take(own_);
}

void Measurement::round() {
  const auto began = clock_.steady();
  bool changed = hash_ == 0;
  for (auto& running : running_) {
    if (changed && running.collector->tells_of_others()) {
      running.samples.leave_out(families_before(running));
    }
    changed = ask(running) || changed;
  }
  changed = tell_standings() || changed;
  numbers_.clear();
  each_samples([this](const Samples& samples) {
    const auto numbers = samples.numbers();
    numbers_.insert(numbers_.end(), numbers.begin(), numbers.end());
  });
  numbers_.resize(std::min(numbers_.size(), wire::kMostSeries));
  if (changed) {
    hash_ = schema().hash();
  }
  took_ = duration_cast<microseconds>(clock_.steady() - began);
}

wire::MetricSchema Measurement::schema() const {
  wire::MetricSchema schema;
  each_samples([&schema](const Samples& samples) {
    const auto& series = samples.series();
    schema.series.insert(schema.series.end(), series.begin(), series.end());
  });
  schema.series.resize(std::min(schema.series.size(), wire::kMostSeries));
  return schema;
}

std::vector<Measurement::Standing> Measurement::standings() const {
  std::vector<Standing> all;
  for (const auto& running : running_) {
    all.push_back({running.collector->name(),
                   running.samples.series().size(),
                   running.samples.dropped(),
                   running.took,
                   running.error,
                   running.failures,
                   running.collector->trouble()});
  }
  return all;
}

std::vector<std::string> Measurement::names() {
  std::vector<std::string> names;
  for (const auto& collector : make_collectors({}, {})) {
    names.emplace_back(collector->name());
  }
  return names;
}

}  // namespace steward::handlers::metrics
