#pragma once

#include "handlers/syslogforwarding/store.hpp"

#include <cstdint>
#include <optional>

namespace steward::handlers::syslogforwarding {

// What the spool holds.
struct SpoolCheck {
  std::uint64_t batches = 0;
  std::uint64_t lines = 0;    // that are good
  std::uint64_t bytes = 0;    // of them, as they are kept
  std::uint64_t dropped = 0;  // lines that had found no room; their number waits to be said
  std::uint64_t damaged = 0;  // lines of batches that could not be unpacked
  std::optional<wire::MessageId> oldest;
};

// Unpacks every batch. One that is damaged is lost: its lines are said as dropped in its place.
// Errors: as Store's.
[[nodiscard]] Result<SpoolCheck> check_spool(Store& store);

}  // namespace steward::handlers::syslogforwarding
