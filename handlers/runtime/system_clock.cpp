#include "handlers/runtime/system_clock.hpp"

#include "subjects/bus/channel.hpp"

namespace steward::runtime {

SystemClock::SystemClock() : new_id_(bus::system_ids()) {}

wire::Timestamp SystemClock::now() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::chrono::steady_clock::time_point SystemClock::steady() const {
  return std::chrono::steady_clock::now();
}

wire::MessageId SystemClock::new_id() { return new_id_(now()); }

}  // namespace steward::runtime
