#include "subjects/wire/compression.hpp"

#include <zstd.h>

#include <algorithm>
#include <vector>

namespace steward::wire {

namespace {

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

// A frame that names a larger window would have us take so much memory.
constexpr int kLargestWindow = 23;
constexpr int kTableLog = 14;
constexpr int kShortestMatch = 6;
constexpr std::size_t kStep = std::size_t{128} * 1024;

}  // namespace

struct Compressor::Context {
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
  std::vector<char> frame;  // kept: room for the worst case is asked for each time

  Context() {
    // Two tables, as from level 3 on, but small ones: of the size of level 1, and as quick as that.
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, 3);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_hashLog, kTableLog);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_chainLog, kTableLog);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_minMatch, kShortestMatch);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
  }

  ~Context() { ZSTD_freeCCtx(zstd); }

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Compressor::Compressor() : context_(std::make_unique<Context>()) {}

Compressor::~Compressor() = default;

std::string Compressor::compress(std::string_view content) {
  auto& frame = context_->frame;
  frame.resize(std::max(frame.size(), ZSTD_compressBound(content.size())));
  // All at once, with room for the worst case: it needs no buffers of its own, and cannot fail.
  const auto length =
      ZSTD_compress2(context_->zstd, frame.data(), frame.size(), content.data(), content.size());
  return {frame.data(), ZSTD_isError(length) != 0 ? 0 : length};
}

Result<std::string> decompress(std::string_view frame, std::size_t most) {
  const std::unique_ptr<ZSTD_DStream, FreeStream> stream(ZSTD_createDStream());
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kLargestWindow);
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  std::string content;
  for (;;) {
    const std::size_t before = content.size();
    content.resize(std::min(before + kStep, most + 1));
    ZSTD_outBuffer out{content.data() + before, content.size() - before, 0};
    const std::size_t left = ZSTD_decompressStream(stream.get(), &out, &in);
    content.resize(before + out.pos);
    if (ZSTD_isError(left) != 0) {
      return failure(ErrorCode::bad_payload,
                     std::string("no zstd frame: ") + ZSTD_getErrorName(left));
    }
    if (content.size() > most) {
      return failure(ErrorCode::too_large, "more than " + std::to_string(most) + " bytes");
    }
    if (left == 0) {
      return in.pos == in.size ? Result<std::string>(std::move(content))
                               : failure(ErrorCode::bad_payload, "bytes behind the zstd frame");
    }
    if (in.pos == in.size && out.pos < out.size) {
      return failure(ErrorCode::bad_payload, "the zstd frame is cut off");
    }
  }
}

}  // namespace steward::wire
