#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace steward::tests {

// Waits until something is so, and looks every so often. False where it is not in time.
inline bool eventually(const std::function<bool()>& is_so,
                       std::chrono::milliseconds limit = std::chrono::seconds(20),
                       std::chrono::milliseconds pause = std::chrono::milliseconds(10)) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace steward::tests
