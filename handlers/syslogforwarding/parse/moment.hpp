#pragma once

#include "handlers/syslogforwarding/parse/scan.hpp"

#include <cstdint>
#include <functional>
#include <optional>

namespace steward::handlers::syslogforwarding {

// Reads the times that lines begin with. Keeps what it has worked out last: a log has many lines of
// one second. One thread.
class Moments {
 public:
  // Microseconds that local time is ahead of UTC at that second of it.
  using ZoneOffset = std::function<std::int64_t(std::int64_t local_seconds)>;

  explicit Moments(ZoneOffset zone) : zone_(std::move(zone)) {}

  // "Nov 22 02:50:54", "Nov 22 2026 02:50:54", either with a fraction, in local time. The year that
  // is not said is the one that brings it nearest to when it was received. Nothing is taken where
  // it is none.
  std::optional<std::int64_t> bsd(Scan& scan, std::int64_t received_us);

  // RFC 3339, and what is like it: "2026-11-22T02:50:54.123456+01:00", "2026-11-22 02:50:54,123" in
  // local time.
  std::optional<std::int64_t> iso(Scan& scan);

 private:
  std::int64_t to_utc(std::int64_t local_us);

  const ZoneOffset zone_;
  std::int64_t zone_hour_ = INT64_MIN;  // that zone_us_ is of
  std::int64_t zone_us_ = 0;
};

// As this machine's settings have it.
Moments::ZoneOffset machine_zone();

}  // namespace steward::handlers::syslogforwarding
