#include "handlers/runtime/pty.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <cerrno>
#include <utility>

namespace steward::runtime {

Result<Pty> open_pty(PtySize size) {
  Pty pty;
  pty.master = Fd(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!pty.master || grantpt(pty.master.get()) != 0 || unlockpt(pty.master.get()) != 0) {
    return tl::unexpected<Error>(system_error(errno, "open a pseudo-terminal"));
  }
  // By the master's descriptor and not by name: /dev/pts may be another mount than its.
  pty.slave = Fd(ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pty.slave) {
    return tl::unexpected<Error>(system_error(errno, "open a pseudo-terminal's other end"));
  }
  if (auto sized = resize_pty(pty.master.get(), size); !sized) {
    return tl::unexpected<Error>(std::move(sized).error());
  }
  return pty;
}

Result<void> resize_pty(int master, PtySize size) {
  winsize window{};
  window.ws_col = size.columns;
  window.ws_row = size.rows;
  if (ioctl(master, TIOCSWINSZ, &window) != 0) {
    return tl::unexpected<Error>(system_error(errno, "resize a pseudo-terminal"));
  }
  return {};
}

}  // namespace steward::runtime
