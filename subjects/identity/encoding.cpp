#include "subjects/identity/encoding.hpp"

#include <cstddef>
#include <cstdint>

namespace steward::identity {
namespace {

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

// Cuts the bytes into digits of so many bits, the last one filled up with zeros.
std::string spell(std::string_view bytes, std::string_view alphabet, unsigned bits) {
  std::string text;
  text.reserve((bytes.size() * 8 + bits - 1) / bits);
  std::uint32_t held = 0;
  unsigned count = 0;
  for (const char byte : bytes) {
    held = (held << 8) | static_cast<std::uint8_t>(byte);
    for (count += 8; count >= bits; count -= bits) {
      text += alphabet[(held >> (count - bits)) & (alphabet.size() - 1)];
    }
    held &= (1U << count) - 1;
  }
  if (count > 0) {
    text += alphabet[(held << (bits - count)) & (alphabet.size() - 1)];
  }
  return text;
}

Result<std::string> read_digits(std::string_view text, std::string_view alphabet, unsigned bits) {
  std::string bytes;
  bytes.reserve(text.size() * bits / 8);
  std::uint32_t held = 0;
  unsigned count = 0;
  for (const char letter : text) {
    const auto digit = alphabet.find(letter);
    if (digit == std::string_view::npos) {
      return failure(ErrorCode::bad_payload, "a character that is not of the alphabet");
    }
    held = (held << bits) | static_cast<std::uint32_t>(digit);
    count += bits;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(held >> count);
      held &= (1U << count) - 1;
    }
  }
  if (held != 0 || count >= bits) {
    return failure(ErrorCode::bad_payload, "the text does not end where bytes end");
  }
  return bytes;
}

}  // namespace

std::string hex(std::string_view bytes) { return spell(bytes, "0123456789abcdef", 4); }

std::string base64url(std::string_view bytes) { return spell(bytes, kUrlAlphabet, 6); }

Result<std::string> parse_base64url(std::string_view text) {
  return read_digits(text, kUrlAlphabet, 6);
}

std::string base32(std::string_view bytes) { return spell(bytes, kBase32Alphabet, 5); }

Result<std::string> parse_base32(std::string_view text) {
  return read_digits(text, kBase32Alphabet, 5);
}

}  // namespace steward::identity
