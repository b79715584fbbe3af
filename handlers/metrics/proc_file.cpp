#include "handlers/metrics/proc_file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace steward::handlers::metrics {
namespace {

// /proc gives at most so much at once for most of its files.
constexpr std::size_t kFirstRoom = std::size_t{16} * 1024;
// A reading that stops this early has all of the file: the kernel fills a page with whole lines,
// and none of those that are read here is as long as what is left of it.
constexpr std::size_t kSurelyAll = 2'048;
constexpr std::size_t kPage = 4'096;
constexpr std::size_t kMostFileRoom = std::size_t{4} * 1024 * 1024;

}  // namespace

ProcFile::~ProcFile() { close(); }

ProcFile::ProcFile(ProcFile&& other) noexcept
    : path_(std::move(other.path_)),
      lines_(other.lines_),
      fd_(std::exchange(other.fd_, -1)),
      last_length_(other.last_length_) {}

void ProcFile::close() {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

bool ProcFile::is_as_read() const {
  struct statfs system {};

  pollfd changes{fd_, POLLPRI, 0};
  return fd_ >= 0 && last_length_ != 0 && ::fstatfs(fd_, &system) == 0 &&
         system.f_type == PROC_SUPER_MAGIC && ::poll(&changes, 1, 0) == 0;
}

Result<std::string_view> ProcFile::read(std::string& buffer) {
  if (fd_ >= 0) {
    if (auto text = read_open(buffer)) {
      return text;
    }
    close();  // a device that went away, and came back under the same name
  }
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) {
    return tl::unexpected(system_error(errno, "open " + path_));
  }
  auto text = read_open(buffer);
  if (!text) {
    close();
  }
  return text;
}

Result<std::string_view> ProcFile::read_open(std::string& buffer) {
  if (buffer.size() < kFirstRoom) {
    buffer.resize(kFirstRoom);
  }
  std::size_t length = 0;
  while (true) {
    if (length == buffer.size()) {
      if (length >= kMostFileRoom) {
        return failure(ErrorCode::too_large, "read " + path_ + ": over 4 MiB");
      }
      buffer.resize(length * 2);
    }
    const auto room = std::min(buffer.size() - length, std::max(kPage, 2 * last_length_));
    const auto got = ::pread(fd_, buffer.data() + length, room, static_cast<off_t>(length));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return tl::unexpected(system_error(errno, "read " + path_));
    }
    const bool first = length == 0;
    length += static_cast<std::size_t>(got);
    if (got == 0 || (first && lines_ == Lines::bounded && length < kSurelyAll)) {
      last_length_ = length;
      return std::string_view(buffer.data(), length);
    }
  }
}

}  // namespace steward::handlers::metrics
