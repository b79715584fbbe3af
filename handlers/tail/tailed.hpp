#pragma once

#include "subjects/wire/error.hpp"

#include <cstddef>
#include <string>

namespace steward::handlers::tail {

// So much is read at once.
inline constexpr std::size_t kPiece = std::size_t{64} * 1024;

// What is followed: a file, or a unit's journal. On the handler's thread; nothing waits.
class Tailed {
 public:
  struct Piece {
    std::string data;
    std::string notice;
    bool more = false;  // there is more right now
  };

  virtual ~Tailed() = default;

  // What has come since the last call, at most about 64 KiB of it. Errors: io.
  [[nodiscard]] virtual Result<Piece> read() = 0;
};

}  // namespace steward::handlers::tail
