#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace steward::runtime {

// SHA-256 over a stream of bytes, for handlers, which do not see the cryptographic room.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void update(std::string_view bytes);

  // Lower-case hexadecimal; ends the digest.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace steward::runtime
