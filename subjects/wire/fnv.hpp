#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace steward::wire {

// FNV-1a of 64 bits, the hash of the contract: for telling things apart, not for secrets.
class Fnv {
 public:
  void step(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3U; }

  void bytes(std::string_view text) {
    for (const char letter : text) {
      step(static_cast<unsigned char>(letter));
    }
  }

  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

// 16 hexadecimal digits.
inline std::string hex(std::uint64_t value) {
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; value >>= 4U) {
    text[i] = "0123456789abcdef"[value & 0xfU];
  }
  return text;
}

}  // namespace steward::wire
