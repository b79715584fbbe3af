#include "subjects/wire/pattern.hpp"

#include <cstddef>
#include <regex>
#include <string>
#include <utility>

namespace steward::wire {
namespace {

constexpr std::size_t kLongestPattern = 512;
constexpr std::size_t kLongestLine = 1024;
constexpr std::size_t kMostRepeats = 1000;

// The library spells repetitions out: "(a{999}){999}" would be a million states, and a chain of
// optional ones is walked by recursion. Counts what braces multiply to; escapes make it no smaller.
bool repeats_too_much(std::string_view text) {
  std::size_t product = 1;
  for (auto open = text.find('{'); open != std::string_view::npos;
       open = text.find('{', open + 1)) {
    std::size_t most = 1;
    std::size_t count = 0;
    for (auto i = open + 1; i < text.size() && text[i] != '}' && most <= kMostRepeats; ++i) {
      const bool digit = text[i] >= '0' && text[i] <= '9';
      count = digit ? count * 10 + static_cast<std::size_t>(text[i] - '0') : 0;
      most = count > most ? count : most;
    }
    product *= most;
    if (product > kMostRepeats) {
      return true;
    }
  }
  return false;
}

// A look-ahead is a search of its own at every place, with no bound on its time.
bool looks_ahead(std::string_view text) {
  return text.find("(?=") != std::string_view::npos || text.find("(?!") != std::string_view::npos;
}

}  // namespace

struct Pattern::Compiled {
  // Matches whole lines that hold the pattern: one pass, where a search begins anew at each place.
  std::regex regex;
};

Pattern::Pattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

Pattern::~Pattern() = default;
Pattern::Pattern(const Pattern&) = default;
Pattern& Pattern::operator=(const Pattern&) = default;

Result<Pattern> Pattern::compile(std::string_view text) {
  if (text.empty() || text.size() > kLongestPattern) {
    return failure(ErrorCode::bad_payload, "a pattern has 1 to 512 bytes");
  }
  if (repeats_too_much(text)) {
    return failure(ErrorCode::bad_payload, "the pattern repeats more than 1000 times");
  }
  if (looks_ahead(text)) {
    return failure(ErrorCode::bad_payload, "a pattern cannot look ahead: (?= and (?!");
  }
  try {
    // libstdc++'s __polynomial: no backtracking, so neither the time nor the depth of the stack
    // grows with the power of the line's length. It has no back-references for that. The copy ends
    // with a NUL: the library looks at the character behind a pattern that ends with "(".
    const auto flags =
        std::regex::ECMAScript | std::regex::nosubs | std::regex_constants::__polynomial;
    const std::string terminated(text);
    const std::regex alone(terminated,
                           flags);  // a pattern must be one without what is put around it
    return Pattern(
        std::make_shared<Compiled>(Compiled{std::regex("[^]*(?:" + terminated + ")[^]*", flags)}));
  } catch (const std::regex_error&) {
    return failure(ErrorCode::bad_payload, "not a regular expression of ECMAScript");
  }
}

bool Pattern::found_in(std::string_view line) const {
  const auto looked_at = line.substr(0, kLongestLine);
  try {
    return std::regex_match(looked_at.begin(), looked_at.end(), compiled_->regex);
  } catch (const std::regex_error&) {
    return false;
  }
}

}  // namespace steward::wire
