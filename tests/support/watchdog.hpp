#pragma once

#include <unistd.h>

namespace steward::tests {

// Ends a test program that hangs, instead of leaving it to the runner.
class Watchdog {
 public:
  explicit Watchdog(unsigned seconds = 30) { ::alarm(seconds); }

  ~Watchdog() { ::alarm(0); }

  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
};

}  // namespace steward::tests
