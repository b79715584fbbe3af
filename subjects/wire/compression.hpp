#pragma once

#include "subjects/wire/error.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace steward::wire {

// Makes zstd frames, each whole in itself, with a checksum. Keeps its working memory from one to
// the next. One thread.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // All of it as one frame.
  std::string compress(std::string_view content);

 private:
  struct Context;
  const std::unique_ptr<Context> context_;
};

// The content of a frame that comes from the world. Errors: bad_payload (no whole frame),
// too_large (more than `most` bytes come out of it).
[[nodiscard]] Result<std::string> decompress(std::string_view frame, std::size_t most);

}  // namespace steward::wire
