#include "subjects/wire/selector.hpp"

#include "subjects/wire/selector_parser.hpp"
#include "subjects/wire/text.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace steward::wire {
namespace {

std::optional<double> number_of(std::string_view text) {
  constexpr std::size_t kLongestNumber = 40;
  if (text.empty() || text.size() > kLongestNumber || std::isspace(text.front()) != 0) {
    return std::nullopt;
  }
  const std::string copy(text);
  char* end = nullptr;
  const double number = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

// Takes a run of digits off the front, without its leading zeros.
std::string_view take_digits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) {
    ++length;
  }
  auto digits = text.substr(0, length);
  text.remove_prefix(length);
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

int order(auto left, auto right) { return left < right ? -1 : right < left ? 1 : 0; }

int compare_versions(std::string_view left, std::string_view right) {
  while (!left.empty() && !right.empty()) {
    if (is_digit(left.front()) && is_digit(right.front())) {
      const auto a = take_digits(left);
      const auto b = take_digits(right);
      const int by = a.size() != b.size() ? order(a.size(), b.size()) : order(a, b);
      if (by != 0) {
        return by;
      }
    } else {
      if (left.front() != right.front()) {
        return order(left.front(), right.front());
      }
      left.remove_prefix(1);
      right.remove_prefix(1);
    }
  }
  return order(left.size(), right.size());
}

bool is_equal(std::string_view value, std::string_view wanted) {
  const auto left = number_of(value);
  const auto right = number_of(wanted);
  return (left && right) ? *left == *right : glob_matches(wanted, value);
}

}  // namespace

int compare_values(std::string_view left, std::string_view right) {
  const auto a = number_of(left);
  const auto b = number_of(right);
  return (a && b) ? order(*a, *b) : compare_versions(left, right);
}

Result<Selector> Selector::parse(std::string_view text) { return Parser(text).parse(); }

bool Selector::matches(const Unit& unit) const { return holds(first_, unit); }

bool Selector::holds(std::size_t at, const Unit& unit) const {
  const Step& step = steps_[at];
  const auto part_holds = [this, &unit](std::size_t part) { return holds(part, unit); };
  switch (step.kind) {
    case Kind::either:
      return std::any_of(step.parts.begin(), step.parts.end(), part_holds);
    case Kind::both:
      return std::all_of(step.parts.begin(), step.parts.end(), part_holds);
    case Kind::inverse:
      return !holds(step.parts.front(), unit);
    case Kind::names:
      return step.target->matches(unit.name);
    case Kind::group:
      return unit.is_in && unit.is_in(step.key);
    case Kind::compare:
      break;
  }
  return holds(step, unit.values(step.key));
}

bool Selector::holds(const Step& step, const std::vector<std::string>& values) {
  const auto any = [&values](auto test) { return std::any_of(values.begin(), values.end(), test); };
  const auto is_wanted = [&step](const std::string& value) {
    return std::any_of(step.wanted.begin(), step.wanted.end(), [&value](const auto& wanted) {
      return is_equal(value, wanted);
    });
  };
  const auto is_found = [&step](const std::string& value) { return step.pattern->found_in(value); };
  const auto by = [&step](const std::string& value) {
    return compare_values(value, step.wanted.front());
  };
  switch (step.op) {
    case Op::equal:
      return any(is_wanted);
    case Op::unequal:
      return !any(is_wanted);
    case Op::less:
      return any([&by](const auto& value) { return by(value) < 0; });
    case Op::at_most:
      return any([&by](const auto& value) { return by(value) <= 0; });
    case Op::more:
      return any([&by](const auto& value) { return by(value) > 0; });
    case Op::at_least:
      return any([&by](const auto& value) { return by(value) >= 0; });
    case Op::found:
      return any(is_found);
    case Op::missing:
      break;
  }
  return !any(is_found);
}

const Target* Selector::names_only() const {
  return steps_.size() == 1 && steps_.front().kind == Kind::names ? &*steps_.front().target
                                                                  : nullptr;
}

std::vector<std::string> Selector::keys() const { return keys_of(Kind::compare); }

std::vector<std::string> Selector::groups() const { return keys_of(Kind::group); }

std::vector<std::string> Selector::keys_of(Kind kind) const {
  std::vector<std::string> keys;
  for (const auto& step : steps_) {
    if (step.kind == kind && std::find(keys.begin(), keys.end(), step.key) == keys.end()) {
      keys.push_back(step.key);
    }
  }
  return keys;
}

}  // namespace steward::wire
