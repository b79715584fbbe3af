#include "edge/shim/spool.hpp"

#include "handlers/runtime/launch/shim_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace steward::shim {
namespace {

constexpr int kNameBytes = 40;

void name_of(char (&name)[kNameBytes], int stream, long long offset) {
  snprintf(name, sizeof name, "%d-%020lld", stream, offset);
}

// The offset in a segment's name; -1: another file.
long long offset_of(const char* name, int stream) {
  return name[0] == static_cast<char>('0' + stream) && name[1] == '-' && strlen(name) == 22
             ? strtoll(name + 2, nullptr, 10)
             : -1;
}

struct Segments {
  long long oldest = -1;
  long long newest = -1;
  long long newest_size = 0;
  long long bytes = 0;
};

Segments look(int stream) {
  Segments found;
  DIR* folder = opendir(".");
  if (folder == nullptr) {
    return found;
  }
  while (const dirent* entry = readdir(folder)) {
    const long long offset = offset_of(entry->d_name, stream);

    struct stat file {};

    if (offset < 0 || stat(entry->d_name, &file) != 0) {
      continue;
    }
    found.bytes += file.st_size;
    if (found.oldest < 0 || offset < found.oldest) {
      found.oldest = offset;
    }
    if (offset >= found.newest) {
      found.newest = offset;
      found.newest_size = file.st_size;
    }
  }
  closedir(folder);
  return found;
}

}  // namespace

void Spool::open(int stream, long segment_bytes, long keep_bytes) {
  stream_ = stream;
  segment_bytes_ = segment_bytes;
  keep_bytes_ = keep_bytes;
  const Segments found = look(stream);
  if (found.newest >= 0) {
    total_ = found.newest + found.newest_size;
    if (found.newest_size < segment_bytes_) {
      char name[kNameBytes];
      name_of(name, stream_, found.newest);
      fd_ = ::open(name, O_WRONLY | O_APPEND | O_CLOEXEC);
      size_ = static_cast<long>(found.newest_size);
    }
  }
}

void Spool::begin_segment() {
  drop_oldest();
  char name[kNameBytes];
  name_of(name, stream_, total_);
  fd_ = ::open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  size_ = 0;
}

void Spool::end_segment() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
  fd_ = -1;
}

// Before one more: all that is left then, and a full one beside it, are within the bound.
void Spool::drop_oldest() const {
  Segments found = look(stream_);
  while (found.oldest >= 0 && found.bytes + segment_bytes_ > keep_bytes_) {
    char name[kNameBytes];
    name_of(name, stream_, found.oldest);
    if (unlink(name) != 0) {
      return;
    }
    found = look(stream_);
  }
}

// As much as fits: up to the bound, and behind it to the end of the line.
std::size_t Spool::put(const char* bytes, std::size_t size) {
  std::size_t fits = size;
  const long room = segment_bytes_ - size_;
  bool full = false;
  if (static_cast<long>(size) >= room) {
    const std::size_t from = room > 0 ? static_cast<std::size_t>(room) - 1 : 0;
    const auto* line_end = static_cast<const char*>(memchr(bytes + from, '\n', size - from));
    const bool endless =
        size_ + static_cast<long>(size) >= segment_bytes_ + runtime::shim::kMostOverhang;
    full = line_end != nullptr || endless;
    fits = line_end != nullptr ? static_cast<std::size_t>(line_end - bytes) + 1 : size;
  }
  const ssize_t written = fd_ >= 0 ? ::write(fd_, bytes, fits) : -1;
  if (written > 0) {
    size_ += written;
  }
  total_ += static_cast<long long>(fits);
  if (full || written != static_cast<ssize_t>(fits)) {
    end_segment();
  }
  return fits;
}

void Spool::append(const char* bytes, std::size_t size) {
  while (size > 0) {
    if (fd_ < 0) {
      begin_segment();
    }
    const std::size_t taken = put(bytes, size);
    bytes += taken;
    size -= taken;
  }
}

}  // namespace steward::shim
