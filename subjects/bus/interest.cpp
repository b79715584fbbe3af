#include "subjects/bus/interest.hpp"

#include <algorithm>

namespace steward::bus {
namespace {

// Calls check(token, is_last) on each token; false as soon as one is.
template <class Check>
bool all_tokens(std::string_view text, const Check& check) {
  for (;;) {
    const auto dot = text.find('.');
    const bool is_last = dot == std::string_view::npos;
    if (!check(text.substr(0, dot), is_last)) {
      return false;
    }
    if (is_last) {
      return true;
    }
    text.remove_prefix(dot + 1);
  }
}

// Bytes above ASCII pass: a broker takes them, and the channel refuses them with a reason.
bool is_literal(std::string_view token) {
  return !token.empty() && std::all_of(token.begin(), token.end(), [](unsigned char c) {
    return c > ' ' && c != 0x7f && c != '*' && c != '>';
  });
}

}  // namespace

bool is_subject(std::string_view text) {
  return all_tokens(text, [](std::string_view token, bool) { return is_literal(token); });
}

bool is_pattern(std::string_view text) {
  return all_tokens(text, [](std::string_view token, bool is_last) {
    return token == "*" || (token == ">" && is_last) || is_literal(token);
  });
}

bool subject_matches(std::string_view pattern, std::string_view subject) {
  for (;;) {
    const auto pattern_end = pattern.find('.');
    const auto subject_end = subject.find('.');
    const auto token = pattern.substr(0, pattern_end);
    if (token == ">") {
      return pattern_end == std::string_view::npos && !subject.empty();
    }
    if (token != "*" && token != subject.substr(0, subject_end)) {
      return false;
    }
    if (pattern_end == std::string_view::npos || subject_end == std::string_view::npos) {
      return pattern_end == subject_end;
    }
    pattern.remove_prefix(pattern_end + 1);
    subject.remove_prefix(subject_end + 1);
  }
}

}  // namespace steward::bus
