// Loaded before the C library into a program under test: a wall clock that is off, and a disk that
// fails, both as a file says that the test may change meanwhile. Nothing else of ours is in here.

#include "tests/fault/support/shim.hpp"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

// A later time is one of the wall clock: no machine is up for so long.
constexpr time_t kLongestUptime = 100'000'000;

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

long long clock_offset() {
  const ShimOrders* said = orders();
  return said == nullptr ? 0 : said->clock_offset;
}

timespec shifted(const timespec& time, long long nanoseconds) {
  const long long sum =
      static_cast<long long>(time.tv_sec) * kNanoseconds + time.tv_nsec + nanoseconds;
  return {static_cast<time_t>(sum / kNanoseconds), static_cast<long>(sum % kNanoseconds)};
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
  if (status == 0 && clock == CLOCK_REALTIME) {
    *time = shifted(*time, clock_offset());
  }
  return status;
}

// The kernel waits by the clock that is right: until the same moment.
int pthread_cond_timedwait(pthread_cond_t* condition,
                           pthread_mutex_t* mutex,
                           const timespec* until) {
  if (until->tv_sec < kLongestUptime) {
    return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, until);
  }
  const timespec moment = shifted(*until, -clock_offset());
  return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &moment);
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
