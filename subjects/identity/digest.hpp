#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace steward::identity {

// The 32 bytes of SHA-256.
std::string sha256(std::string_view bytes);

// SHA-256 over bytes that come piece by piece. One thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);

  // Lower-case hexadecimal of all bytes so far; ends the digest.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace steward::identity
