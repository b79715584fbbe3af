#pragma once

#include "handlers/runtime/loop.hpp"

#include <chrono>
#include <functional>

namespace steward::runtime {

// Runs the loop until it holds; false after `most`.
inline bool until(Loop& loop,
                  const std::function<bool()>& holds,
                  std::chrono::milliseconds most = std::chrono::seconds(10)) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  Timer watch(loop, [&loop] { loop.stop(); });
  watch.start_every(std::chrono::milliseconds(2));
  while (!holds()) {  // looked at once each time: a tree that is still starting changes in between
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    loop.run();
  }
  return true;
}

}  // namespace steward::runtime
