#include "subjects/wire/names.hpp"

#include <algorithm>
#include <cstddef>

namespace steward::wire {
namespace {

constexpr std::string_view kBase32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

constexpr bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

constexpr bool is_alphanumeric(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

// The text for an error message: shortened, and safe to print on a terminal.
std::string shown(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, 80)) {
    out += (c >= ' ' && c < 0x7f) ? c : '?';
  }
  return text.size() > 80 ? out + "..." : out;
}

int base32_value(char c) {
  const char upper = (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  const auto at = kBase32.find(upper);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

bool is_source_part(std::string_view part) {
  return !part.empty() && part.size() <= 128 && std::all_of(part.begin(), part.end(), [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '@' || c == '+' || c == '-';
  });
}

}  // namespace

Result<NodeName> NodeName::parse(std::string_view text) {
  const bool good = !text.empty() && text.size() <= 63 && text.front() != '-' &&
                    text.back() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
                      return is_lower_or_digit(c) || c == '-';
                    });
  if (!good) {
    return failure(ErrorCode::bad_subject,
                   "'" + shown(text) +
                       "' is not a node name: 1 to 63 of a-z, 0-9 and '-', no '-' first or last");
  }
  return NodeName(std::string(text));
}

Result<Token> Token::parse(std::string_view text) {
  const bool good =
      !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alphanumeric(c) || c == '_' || c == '-';
      });
  if (!good) {
    return failure(
        ErrorCode::bad_subject,
        "'" + shown(text) + "' is not a method or domain: 1 to 64 of A-Z, a-z, 0-9, '_' and '-'");
  }
  return Token(std::string(text));
}

Result<MessageId> MessageId::parse(std::string_view text) {
  MessageId id;
  // 26 characters hold 130 bits: the first may carry three bits only.
  if (text.size() != id.text_.size() || base32_value(text[0]) > 7) {
    return failure(ErrorCode::bad_envelope, "'" + shown(text) + "' is not a ULID of 26 characters");
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int value = base32_value(text[i]);
    if (value < 0) {
      return failure(ErrorCode::bad_envelope, "'" + shown(text) + "' is not a ULID");
    }
    id.text_[i] = kBase32[static_cast<std::size_t>(value)];
  }
  return id;
}

MessageId MessageId::make(std::uint64_t unix_milliseconds, const Randomness& random) {
  MessageId id;
  for (std::size_t i = 0; i < 10; ++i) {
    id.text_[9 - i] = kBase32[(unix_milliseconds >> (5 * i)) & 31];
  }
  id.text_[0] = kBase32[(unix_milliseconds >> 45) & 7];
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      bits = bits << 8 | random[half * 5 + i];
    }
    for (std::size_t i = 0; i < 8; ++i) {
      id.text_[10 + half * 8 + i] = kBase32[(bits >> (35 - 5 * i)) & 31];
    }
  }
  return id;
}

std::uint64_t MessageId::unix_milliseconds() const {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    value = value << 5 | static_cast<std::uint64_t>(base32_value(text_[i]));
  }
  return value;
}

Result<Source> Source::parse(std::string_view text) {
  const auto slash = text.find('/', 1);
  const bool good = text.starts_with('/') &&
                    (slash == std::string_view::npos ? is_source_part(text.substr(1))
                                                     : is_source_part(text.substr(1, slash - 1)) &&
                                                           is_source_part(text.substr(slash + 1)));
  if (!good) {
    return failure(ErrorCode::bad_envelope,
                   "'" + shown(text) + "' is not a source such as /ship1 or /operator/anna");
  }
  return Source(std::string(text));
}

}  // namespace steward::wire
