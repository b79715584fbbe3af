#pragma once

#include <chrono>

namespace steward::ctl {

// Ctrl-C and SIGTERM as something to be waited for. Both are blocked in this thread, and so in
// every thread that it starts, except within wait(): nothing is interrupted half done. Make one,
// first thing in main. SIGPIPE is ignored, a reader that goes away shows as a failed write.
class Interrupts {
 public:
  Interrupts();

  enum class Woken { readable, timeout, interrupted };

  // Until the file descriptor is readable, the time is over, or a signal has come (then at once,
  // each time it is called).
  static Woken wait(int fd, std::chrono::milliseconds timeout);

  // Whether a signal has come.
  static bool happened();
};

}  // namespace steward::ctl
