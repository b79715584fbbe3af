#include "handlers/metrics/samples.hpp"

#include "subjects/wire/text.hpp"

#include <algorithm>

namespace steward::handlers::metrics {
namespace {

// Of one collector; together they stay below wire::kMostSeries and a message's size.
constexpr std::size_t kMostOfOne = 2'048;
constexpr std::size_t kLongestKey = 512;

bool plain(char letter) {
  return letter >= ' ' && letter <= '~' && letter != '"' && letter != '\\';
}

// As the text format of Prometheus has it. What is not UTF-8 would not survive JSON.
void append_escaped(std::string& out, std::string_view value) {
  if (std::all_of(value.begin(), value.end(), plain)) {
    out += value;
    return;
  }
  const bool utf8 = wire::is_utf8(value);
  for (const char letter : value) {
    if (letter == '\n') {
      out += "\\n";
    } else if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f' ||
               (!utf8 && static_cast<unsigned char>(letter) >= 0x80)) {
      out += '?';
    } else {
      out += letter;
    }
  }
}

// A name may come out of a file: what Prometheus does not take becomes '_'.
void append_name(std::string& out, std::string_view part) {
  for (const char letter : part) {
    const bool good = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') || letter == '_' || letter == ':';
    out += good ? letter : '_';
  }
}

}  // namespace

void Samples::begin() {
  at_ = 0;
  changed_ = false;
  dropped_ = 0;
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

void Samples::add(
    const Name& name, Labels labels, std::int64_t number, Unit unit, wire::MetricType type) {
  compose(name, labels);
  if (key_.size() > kLongestKey || at_ == kMostOfOne) {
    ++dropped_;
    return;
  }
  if (number != wire::kAbsent) {
    number = std::clamp(number, -wire::kMostNumber, wire::kMostNumber);
  }
  const bool known = at_ < series_.size() && series_[at_].key == key_ &&
                     series_[at_].type == type && series_[at_].multiplier == unit.multiplier &&
                     series_[at_].divisor == unit.divisor;
  if (known) {
    numbers_[at_] = number;
  } else {
    // Here the lists part: all behind is made anew.
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
