#include "handlers/syslogforwarding/forwarder.hpp"

#include <algorithm>
#include <optional>

namespace steward::handlers::syslogforwarding {

std::chrono::microseconds Forwarder::lag() const {
  const std::int64_t now_us = context_.clock.now().time_since_epoch().count();
  std::int64_t oldest_us = now_us;
  for (const auto& feed : feeds_) {
    for (const auto& [domain, lane] : feed->lanes) {
      if (lane.open) {
        oldest_us = std::min(oldest_us, lane.open->began_us);
      }
    }
    for (const auto& parcel : feed->underway) {
      oldest_us = parcel->kept ? oldest_us : std::min(oldest_us, parcel->began_us);
    }
  }
  if (const auto oldest = store_.oldest(); oldest && *oldest) {
    constexpr std::int64_t kMillisecond = 1'000;
    oldest_us = std::min(oldest_us,
                         static_cast<std::int64_t>((*oldest)->unix_milliseconds()) * kMillisecond);
  }
  return std::chrono::microseconds(now_us - oldest_us);
}

}  // namespace steward::handlers::syslogforwarding
