// Loaded before the C library into a program under test: a wall clock that is off, and a disk that
// fails, both as a file says that the test may change meanwhile. Nothing else of ours is in here.

#include "tests/fault/support/shim.hpp"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

namespace {

using steward::tests::ShimOrders;

constexpr long long kNanoseconds = 1'000'000'000;

const ShimOrders* orders() {
  static const ShimOrders* const mapped = []() -> const ShimOrders* {
    const char* path = getenv("STEWARD_SHIM");
    const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      return nullptr;
    }
    void* memory = mmap(nullptr, sizeof(ShimOrders), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    return memory == MAP_FAILED ? nullptr : static_cast<const ShimOrders*>(memory);
  }();
  return mapped;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// The error that a write to that file ends with now; 0 for none.
int failure_of(int fd) {
  const ShimOrders* said = orders();
  if (said == nullptr || said->write_error == 0) {
    return 0;
  }
  char link[64];
  char path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) {
    return 0;
  }
  path[length] = '\0';
  return strstr(path, said->file) != nullptr ? static_cast<int>(said->write_error) : 0;
}

// False with errno set where the disk is to fail.
bool works(int fd) {
  const int error = failure_of(fd);
  if (error != 0) {
    errno = error;
  }
  return error == 0;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) {
  static auto* const real = next<int(clockid_t, timespec*)>("clock_gettime");
  const int status = real(clock, time);
  const ShimOrders* said = orders();
  if (status == 0 && clock == CLOCK_REALTIME && said != nullptr && said->clock_offset != 0) {
    const long long now =
        static_cast<long long>(time->tv_sec) * kNanoseconds + time->tv_nsec + said->clock_offset;
    time->tv_sec = static_cast<time_t>(now / kNanoseconds);
    time->tv_nsec = static_cast<long>(now % kNanoseconds);
  }
  return status;
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  static auto* const real = next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return works(fd) ? real(fd, bytes, count, offset) : -1;
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  static auto* const real = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return works(fd) ? real(fd, bytes, count, offset) : -1;
}

int fsync(int fd) {
  static auto* const real = next<int(int)>("fsync");
  return works(fd) ? real(fd) : -1;
}

int fdatasync(int fd) {
  static auto* const real = next<int(int)>("fdatasync");
  return works(fd) ? real(fd) : -1;
}

}  // extern "C"
