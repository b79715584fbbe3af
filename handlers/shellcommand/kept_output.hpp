#pragma once

#include "handlers/runtime/digest.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace steward::handlers::shellcommand {

// The last bytes of a stream, up to a limit. Memory grows with what came, up to the limit.
class Ring {
 public:
  void push(std::string_view bytes, std::size_t limit);

  // Keeps only that many.
  void shrink(std::size_t limit);

  std::size_t size() const { return bytes_.size(); }

  std::string text() const;

 private:
  std::string bytes_;
  std::size_t oldest_ = 0;  // where it has wrapped
};

// A stretch of a stream that is kept.
struct Excerpt {
  std::uint64_t offset = 0;
  std::string bytes;
};

// What is kept of the two streams of one command: their first and last bytes, within one budget,
// however much comes. Totals and digests are of everything.
class KeptOutput {
 public:
  // Memory of one command's output, whatever it asked for.
  static constexpr std::size_t kMost = 768 * 1024;

  KeptOutput(std::size_t max_bytes, wire::OutputKeep keep);

  // `fd`: 1 or 2.
  void add(int fd, std::string_view bytes);

  // That many bytes came and are not to be had: there is no digest any more.
  void skip(int fd, std::uint64_t bytes);

  std::uint64_t total(int fd) const { return stream(fd).total; }

  // Of what is kept, the first stretch at or behind that offset; empty at its end when none is.
  Excerpt read(int fd, std::uint64_t offset, std::size_t length) const;

  // Once, at the end: with the digest.
  wire::StreamResult result(int fd);

 private:
  struct Stream {
    std::string head;
    Ring tail;
    std::uint64_t total = 0;
    std::optional<runtime::Digest> digest;
    bool whole = true;  // nothing was skipped
  };

  const Stream& stream(int fd) const { return streams_[fd == 2 ? 1 : 0]; }

  void add_tail(Stream& mine, Stream& other, std::string_view bytes);

  std::size_t head_room_;
  std::size_t tail_budget_;
  std::array<Stream, 2> streams_;
};

}  // namespace steward::handlers::shellcommand
