#pragma once

#include "subjects/wire/daemon.hpp"

#include <chrono>
#include <cstdint>

namespace steward::handlers::daemon {

// How long a daemon that has ended stays down: longer each time, and anew from the shortest after a
// good while up. It never gives up. Pure.
class Backoff {
 public:
  // So many ends one after the other are a crash loop.
  static constexpr int kCrashLoop = 5;

  explicit Backoff(const wire::DaemonRestart& how) : how_(how) {}

  // It has ended after so long; how long to wait. `chance`: 0 to 1, for the jitter.
  std::chrono::milliseconds after(std::chrono::milliseconds up, double chance);

  bool is_crash_loop() const { return ends_ >= kCrashLoop; }

  // It has been up for long enough.
  void forget() { ends_ = 0; }

 private:
  wire::DaemonRestart how_;
  int ends_ = 0;
};

}  // namespace steward::handlers::daemon
