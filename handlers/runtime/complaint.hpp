#pragma once

#include "handlers/runtime/context.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace steward::runtime {

// Warns of what anybody on the network can cause as often as he likes: the first time at once, then
// at most once a minute, with how many there were. One thread.
class Complaint {
 public:
  Complaint(const Clock& clock, Logger log) : clock_(clock), log_(std::move(log)) {}

  void say(std::string_view text) {
    const auto now = clock_.steady();
    if (last_ && now - *last_ < std::chrono::minutes(1)) {
      ++unsaid_;
      return;
    }
    log_.warning(unsaid_ == 0
                     ? std::string(text)
                     : std::string(text) + " (and " + std::to_string(unsaid_) + " like it)");
    last_ = now;
    unsaid_ = 0;
  }

 private:
  const Clock& clock_;
  const Logger log_;
  std::optional<std::chrono::steady_clock::time_point> last_;
  std::uint64_t unsaid_ = 0;
};

}  // namespace steward::runtime
