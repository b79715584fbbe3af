#include "handlers/metrics/samples.hpp"

#include "handlers/metrics/series_key.hpp"

#include <algorithm>

namespace steward::handlers::metrics {
namespace {

// Of one collector; together they stay below wire::kMostSeries and a message's size.
constexpr std::size_t kMostOfOne = 2'048;
constexpr std::size_t kLongestKey = 512;

// Of all that is told: the list of series has to fit into one message.
constexpr std::size_t kMostToldBytes = std::size_t{96} * 1024;

}  // namespace

void Samples::begin() {
  at_ = 0;
  changed_ = false;
  dropped_ = 0;
  told_bytes_ = 0;
}

void Samples::gauge(const Name& name, Labels labels, std::int64_t number, Unit unit) {
  add(name, labels, number, unit, wire::MetricType::gauge);
}

void Samples::counter(const Name& name, Labels labels, std::int64_t number, Unit unit) {
  add(name, labels, number, unit, wire::MetricType::counter);
}

void Samples::untyped(const Name& name, Labels labels, std::int64_t number) {
  add(name, labels, number, kOne, wire::MetricType::untyped);
}

void Samples::compose(const Name& name, Labels labels) {
  key_.clear();
  for (const auto part : name.parts) {
    append_name(key_, part);
  }
  char before = '{';
  for (const auto& label : labels) {
    key_ += before;
    before = ',';
    key_ += label.name;
    key_ += "=\"";
    append_escaped(key_, label.value);
    key_ += '"';
  }
  if (before == ',') {
    key_ += '}';
  }
}

// Texts that a key has in another form (escaped, or '_' for what no name may have) are left to
// compose().
bool Samples::stands_here(const Name& name, Labels labels) const {
  if (at_ >= series_.size()) {
    return false;
  }
  const std::string_view key = series_[at_].key;
  auto rest = key;
  const auto goes_on = [&rest](std::string_view part) {
    const bool same = rest.starts_with(part);
    rest.remove_prefix(same ? part.size() : 0);
    return same;
  };
  if (key.find('\\') != std::string_view::npos ||
      !std::all_of(name.parts.begin(), name.parts.end(), goes_on) ||
      key.size() - rest.size() > key.find('{')) {
    return false;
  }
  std::string_view before = "{";
  for (const auto& label : labels) {
    if (!goes_on(before) || !goes_on(label.name) || !goes_on("=\"") || !goes_on(label.value) ||
        !goes_on("\"") || label.value.find('"') != std::string_view::npos) {
      return false;
    }
    before = ",";
  }
  return rest == (before == "," ? "}" : "");
}

void Samples::add(
    const Name& name, Labels labels, std::int64_t number, Unit unit, wire::MetricType type) {
  if (stands_here(name, labels)) {
    return put(true, number, unit, type);
  }
  compose(name, labels);
  add_composed(number, unit, type);
}

void Samples::told(std::string_view key, wire::MetricType type, std::int64_t number, Unit unit) {
  const bool taken = left_out_.find(wire::name_and_labels(key).first) != left_out_.end();
  if (taken || told_bytes_ + key.size() > kMostToldBytes) {
    ++dropped_;
    return;
  }
  told_bytes_ += key.size();
  key_ = key;
  add_composed(number, unit, type);
}

void Samples::add_composed(std::int64_t number, Unit unit, wire::MetricType type) {
  if (key_.size() > kLongestKey || at_ == kMostOfOne) {
    ++dropped_;
    return;
  }
  put(at_ < series_.size() && series_[at_].key == key_, number, unit, type);
}

void Samples::put(bool stands, std::int64_t number, Unit unit, wire::MetricType type) {
  if (number != wire::kAbsent) {
    number = std::clamp(number, -wire::kMostNumber, wire::kMostNumber);
  }
  if (stands && series_[at_].type == type && series_[at_].multiplier == unit.multiplier &&
      series_[at_].divisor == unit.divisor) {
    numbers_[at_] = number;
  } else {
    // Here the lists part: all behind is made anew.
    if (stands) {
      key_ = series_[at_].key;
    }
    series_.resize(at_);
    numbers_.resize(at_);
    series_.push_back({key_, type, unit.multiplier, unit.divisor});
    numbers_.push_back(number);
    changed_ = true;
  }
  ++at_;
}

bool Samples::finish() {
  if (at_ < series_.size()) {
    series_.resize(at_);
    numbers_.resize(at_);
    changed_ = true;
  }
  return changed_;
}

bool Samples::abandon() {
  std::fill(numbers_.begin(), numbers_.end(), wire::kAbsent);
  return changed_;
}

}  // namespace steward::handlers::metrics
