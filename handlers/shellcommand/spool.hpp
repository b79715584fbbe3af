#pragma once

#include "handlers/runtime/fd.hpp"
#include "subjects/wire/error.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>

namespace steward::handlers::shellcommand {

// A nameless file in a folder that is made when it is needed; gone with its descriptor, also after
// a crash. Errors: io, no_space, permission.
[[nodiscard]] Result<runtime::Fd> nameless_file(const std::filesystem::path& folder);

// A piece of a command's output on its way to the station.
struct Chunk {
  int fd = 1;
  std::uint64_t offset = 0;
  std::string bytes;
};

// Output that waits on disk for the link, in order. Over its quota the middle goes: the first half
// of the quota stays, and of the rest the newest.
class Spool {
 public:
  Spool(std::filesystem::path folder, std::size_t quota);

  // What cannot be kept (disk full) is left out; the offsets of its neighbours show the gap.
  void add(const Chunk& chunk);

  // The oldest one; stays until pop().
  std::optional<Chunk> front();
  void pop();

  bool empty() const { return bytes_ == 0; }

 private:
  // Records one after the other: fd, offset and length, then the bytes.
  struct Segment {
    runtime::Fd file;
    std::size_t room = 0;     // bytes that it may hold
    std::size_t written = 0;  // end of the last record
    std::size_t taken = 0;    // begin of the first record that is still wanted
  };

  bool make_room(std::size_t record);
  void drop_segment(std::size_t index);

  std::filesystem::path folder_;
  std::size_t quota_;
  std::size_t bytes_ = 0;  // of records that are still wanted
  std::size_t front_bytes_ = 0;
  std::deque<Segment> segments_;
};

}  // namespace steward::handlers::shellcommand
