#include "subjects/wire/compression.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace steward::tests::compression_test {

using steward::ErrorCode;
using steward::wire::Compressor;
using steward::wire::decompress;

TEST_CASE("compression: what went into a frame comes out, again and again") {
  Compressor compressor;
  std::string random;
  std::uint64_t state = 88'172'645'463'325'252U;
  for (const std::size_t size : {0U, 1U, 1'000U, 300'000U}) {
    while (random.size() < size) {
      state ^= state << 13U;
      state ^= state >> 7U;
      state ^= state << 17U;
      random += static_cast<char>(state);
    }
    const auto frame = compressor.compress("head\n" + random);
    CHECK(decompress(frame, size + 5) == "head\n" + random);
  }
  CHECK(compressor.compress(std::string(100'000, 'a')).size() < 100);
}

TEST_CASE("compression: a frame that is cut off, altered, too long or none is refused") {
  Compressor compressor;
  const auto frame = compressor.compress("head" + std::string(10'000, 'a'));
  CHECK(decompress(frame, 10'003).error().code == ErrorCode::too_large);
  for (std::size_t size = 0; size < frame.size(); ++size) {
    CHECK(!decompress(frame.substr(0, size), 20'000));
  }
  CHECK(!decompress(frame + "x", 20'000));
  auto altered = frame;
  altered.back() = static_cast<char>(altered.back() ^ 1);
  CHECK(decompress(altered, 20'000).error().code == ErrorCode::bad_payload);
}

}  // namespace steward::tests::compression_test
