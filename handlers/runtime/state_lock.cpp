#include "handlers/runtime/state_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <thread>
#include <utility>

namespace steward::runtime {

namespace {

Result<void> make_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);  // mkdir says what is wrong
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return tl::unexpected(system_error(errno, "make the state directory " + path.string()));
  }
  return {};
}

std::string holder(int fd) {
  std::array<char, 32> text{};
  const ssize_t got = ::pread(fd, text.data(), text.size() - 1, 0);
  std::string pid(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  pid.resize(std::min(pid.size(), pid.find('\n')));
  return pid.empty() ? "" : " (pid " + pid + ")";
}

// At a program's start, before it has a loop: so it may sleep.
int lock_within(int fd, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() >= until) {
      return errno;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return 0;
}

}  // namespace

Result<StateLock> StateLock::take(const std::filesystem::path& state_dir,
                                  std::string_view program,
                                  std::chrono::milliseconds patience) {
  if (auto made = make_directory(state_dir); !made) {
    return tl::unexpected(std::move(made).error());
  }
  const auto path = state_dir / "lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return tl::unexpected(system_error(errno, "open " + path.string()));
  }
  StateLock lock(fd);
  if (const int error = lock_within(fd, patience); error != 0) {
    if (error != EWOULDBLOCK) {
      return tl::unexpected(system_error(error, "lock " + path.string()));
    }
    return failure(ErrorCode::conflict,
                   "another " + std::string(program) + holder(fd) + " uses the state directory " +
                       state_dir.string() + "; stop it, or give this one its own --state-dir");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return tl::unexpected(system_error(errno, "write " + path.string()));
  }
  return lock;
}

StateLock::StateLock(StateLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

StateLock::~StateLock() {
  if (fd_ >= 0) {
    ::close(fd_);  // the file stays: removing it would let two programs lock two files of one name
  }
}

}  // namespace steward::runtime
