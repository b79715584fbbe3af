#pragma once

#include "subjects/wire/error.hpp"

#include <chrono>
#include <string>

namespace steward::handlers::syslogforwarding {

// Between two looks where nothing tells of changes: NFS, overlays.
inline constexpr std::chrono::milliseconds kLookPause{1'000};

// Something that gives lines to the forwarder. On the handler's thread; its end is the
// destructor's.
class LogSource {
 public:
  virtual ~LogSource() = default;

  // Errors: whatever stops it from hearing; it is tried again.
  [[nodiscard]] virtual Result<void> start() = 0;

  // The forwarder has room again.
  virtual void go_on() {}

  // Takes what the kernel has of it already, before the end: nobody sends it again.
  virtual void take_rest() {}

  // Of people's interest in a status: "udp:127.0.0.1:514".
  virtual std::string name() const = 0;
};

}  // namespace steward::handlers::syslogforwarding
