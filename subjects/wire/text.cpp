#include "subjects/wire/text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace steward::wire {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> digit_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr auto kBase64Values = digit_values();

// What may follow the first byte of a character: how many bytes, and the range of the first of them
// (narrower where a wider one would hold an overlong form, a surrogate or more than U+10FFFF).
struct Continuation {
  std::size_t count = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
};

bool continuation_of(std::uint8_t first, Continuation& out) {
  if (first < 0x80) {
    out = {};
  } else if (first >= 0xc2 && first <= 0xdf) {
    out = {1};
  } else if (first >= 0xe0 && first <= 0xef) {
    out = {2};
    out.low = first == 0xe0 ? 0xa0 : 0x80;
    out.high = first == 0xed ? 0x9f : 0xbf;
  } else if (first >= 0xf0 && first <= 0xf4) {
    out = {3};
    out.low = first == 0xf0 ? 0x90 : 0x80;
    out.high = first == 0xf4 ? 0x8f : 0xbf;
  } else {
    return false;
  }
  return true;
}

}  // namespace

// Goes back to the last star only: what an earlier one might have taken, it takes.
bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t g = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t from = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      from = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == std::string_view::npos;
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    Continuation next;
    if (!continuation_of(static_cast<std::uint8_t>(bytes[i++]), next) ||
        bytes.size() - i < next.count) {
      return false;
    }
    for (; next.count > 0; --next.count, ++i) {
      const auto byte = static_cast<std::uint8_t>(bytes[i]);
      if (byte < next.low || byte > next.high) {
        return false;
      }
      next.low = 0x80;
      next.high = 0xbf;
    }
  }
  return true;
}

std::string base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (j < count ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? kAlphabet[(bits >> (18 - 6 * j)) & 63] : '=';
    }
  }
  return text;
}

Result<std::string> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return failure(ErrorCode::bad_payload, "not base64: the length is not a multiple of 4");
  }
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
    ++padding;
  }
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t digits = i + 4 == text.size() ? 4 - padding : 4;
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const std::uint8_t value =
          j < digits ? kBase64Values[static_cast<std::uint8_t>(text[i + j])] : 0;
      if (value == kNoDigit) {
        return failure(ErrorCode::bad_payload, "not base64: a character that is not of it");
      }
      bits = bits << 6 | value;
    }
    // Bits that no byte takes are zero: one text only stands for the same bytes.
    if ((digits == 2 && (bits & 0xffff) != 0) || (digits == 3 && (bits & 0xff) != 0)) {
      return failure(ErrorCode::bad_payload, "not base64: the last digit holds too many bits");
    }
    for (std::size_t j = 0; j + 1 < digits; ++j) {
      bytes += static_cast<char>(bits >> (16 - 8 * j) & 0xff);
    }
  }
  return bytes;
}

}  // namespace steward::wire
