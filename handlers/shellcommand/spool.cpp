#include "handlers/shellcommand/spool.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace steward::handlers::shellcommand {
namespace {

struct Record {
  std::uint64_t offset;
  std::uint32_t length;
  std::int32_t fd;
};

constexpr std::size_t kLaterSegments = 8;  // of these, the quota's second half holds four

}  // namespace

Result<runtime::Fd> nameless_file(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::string name = (folder / "spool.XXXXXX").string();
  runtime::Fd file(mkostemp(name.data(), O_CLOEXEC));
  if (!file) {
    return tl::unexpected<Error>(system_error(errno, "make a file in " + folder.string()));
  }
  unlink(name.c_str());
  return file;
}

Spool::Spool(std::filesystem::path folder, std::size_t quota)
    : folder_(std::move(folder)), quota_(quota) {}

void Spool::drop_segment(std::size_t index) {
  bytes_ -= segments_[index].written - segments_[index].taken;
  segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(index));
}

// A segment with room for the record at the back, and room for it in the quota.
bool Spool::make_room(std::size_t record) {
  if (record > quota_) {
    return false;
  }
  if (segments_.empty() || segments_.back().written + record > segments_.back().room) {
    auto file = nameless_file(folder_);
    if (!file) {
      return false;
    }
    const std::size_t room = segments_.empty() ? quota_ / 2 : quota_ / kLaterSegments;
    segments_.push_back({*std::move(file), std::max(room, record)});
  }
  while (bytes_ + record > quota_ && segments_.size() > 2) {
    drop_segment(1);  // the middle: neither the first, nor the one that is written
  }
  return bytes_ + record <= quota_;
}

void Spool::add(const Chunk& chunk) {
  const std::size_t record = sizeof(Record) + chunk.bytes.size();
  if (!make_room(record)) {
    return;
  }
  Segment& segment = segments_.back();
  Record header{chunk.offset, static_cast<std::uint32_t>(chunk.bytes.size()), chunk.fd};
  std::array<iovec, 2> parts{
      iovec{&header, sizeof header},
      iovec{const_cast<char*>(chunk.bytes.data()), chunk.bytes.size()},
  };
  const ssize_t written =
      pwritev(segment.file.get(), parts.data(), parts.size(), static_cast<off_t>(segment.written));
  if (written == static_cast<ssize_t>(record)) {
    segment.written += record;
    bytes_ += record;
  }
}

std::optional<Chunk> Spool::front() {
  while (!segments_.empty()) {
    Segment& segment = segments_.front();
    Record header{};
    if (segment.taken < segment.written &&
        pread(segment.file.get(), &header, sizeof header, static_cast<off_t>(segment.taken)) ==
            static_cast<ssize_t>(sizeof header)) {
      Chunk chunk{header.fd, header.offset, std::string(header.length, '\0')};
      const ssize_t got = pread(segment.file.get(),
                                chunk.bytes.data(),
                                chunk.bytes.size(),
                                static_cast<off_t>(segment.taken + sizeof header));
      if (got == static_cast<ssize_t>(chunk.bytes.size())) {
        front_bytes_ = sizeof header + chunk.bytes.size();
        return chunk;
      }
    }
    drop_segment(0);  // read to its end, or not readable any more
  }
  return std::nullopt;
}

void Spool::pop() {
  segments_.front().taken += front_bytes_;
  bytes_ -= std::exchange(front_bytes_, 0);
  if (segments_.front().taken == segments_.front().written) {
    drop_segment(0);
  }
}

}  // namespace steward::handlers::shellcommand
