#include "edge/shim/line.hpp"

#include "handlers/runtime/launch/shim_folder.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace steward::shim {

void Line::accept() {
  const int fd = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) {
    hang_up();
    fd_ = fd;
  }
}

bool Line::say(const char* text) {
  if (fd_ < 0) {
    return false;
  }
  if (send(fd_, text, strlen(text), MSG_NOSIGNAL) >= 0) {
    return true;
  }
  // An agent that does not read comes again, and is told how things stand.
  hang_up();
  return false;
}

int Line::next_signal() {
  char message[runtime::shim::kMostMessage];
  while (fd_ >= 0) {
    const ssize_t got = recv(fd_, message, sizeof message - 1, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return 0;
    }
    if (got <= 0) {
      hang_up();
      return 0;
    }
    message[got] = 0;
    if (strncmp(message, "signal ", 7) == 0) {
      return static_cast<int>(strtol(message + 7, nullptr, 10));
    }
  }
  return 0;
}

void Line::hang_up() {
  if (fd_ >= 0) {
    close(fd_);
  }
  fd_ = -1;
}

}  // namespace steward::shim
