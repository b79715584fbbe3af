#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace steward::handlers::metrics {

// Reads the texts of /proc and /sys without copying. All of it takes any bytes.

// Takes the next line off the text, without its end.
inline std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// Takes the next word off the line, empty at its end.
inline std::string_view next_word(std::string_view& line) {
  std::size_t begin = 0;
  while (begin < line.size() && (line[begin] == ' ' || line[begin] == '\t')) {
    ++begin;
  }
  std::size_t end = begin;
  while (end < line.size() && line[end] != ' ' && line[end] != '\t') {
    ++end;
  }
  const auto word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

// The whole word as a number of that base; one that is above INT64_MAX counts as that.
inline std::optional<std::int64_t> whole(std::string_view word, int base = 10) {
  const bool negative = !word.empty() && word.front() == '-';
  if (negative) {
    word.remove_prefix(1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (error == std::errc::invalid_argument || end != word.data() + word.size()) {
    return std::nullopt;
  }
  const bool large = error == std::errc::result_out_of_range || value > INT64_MAX;
  const auto number = large ? INT64_MAX : static_cast<std::int64_t>(value);
  return negative ? -number : number;
}

inline std::optional<std::int64_t> next_whole(std::string_view& line, int base = 10) {
  return whole(next_word(line), base);
}

// "2.16" with two digits is 216; further digits are cut, missing ones are 0.
inline std::optional<std::int64_t> decimal(std::string_view word, int digits) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  const auto point = word.find('.');
  const auto before = whole(word.substr(0, point));
  if (!before || *before > kMost || *before < 0) {
    return std::nullopt;
  }
  std::int64_t number = *before;
  const auto behind = point == std::string_view::npos ? std::string_view() : word.substr(point + 1);
  for (int i = 0; i < digits; ++i) {
    const char digit = static_cast<std::size_t>(i) < behind.size() ? behind[i] : '0';
    if (digit < '0' || digit > '9') {
      return std::nullopt;
    }
    number = number * 10 + (digit - '0');
  }
  return number;
}

}  // namespace steward::handlers::metrics
