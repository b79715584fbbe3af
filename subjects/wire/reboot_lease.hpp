#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace steward::wire {

// waiting: for its turn; held: it may reboot; overdue: it had its time, and has not said its end;
// refused: it does not take what it is granted.
enum class LeaseState { waiting, held, overdue, refused };

std::string_view word(LeaseState state);

// A run of updates that may reboot its unit only by a lease of the station (README.md, "osupdate").
struct RebootLease {
  std::string unit;
  std::string domain;
  std::string run;
  LeaseState state = LeaseState::waiting;
  Timestamp since;                   // of this state, by the station's clock
  std::optional<Timestamp> expires;  // of a lease that was granted
  std::string grant;                 // the id of the command that grants it
  bool seen = false;                 // that command, on the stream of commands
  bool taken = false;                // by the unit
  std::string why;                   // it was refused
  std::string epoch;                 // of the unit's outbox, and the place in it: what was told
  std::uint64_t seq = 0;             // before that changes nothing

  bool operator==(const RebootLease&) const = default;
};

std::string encode(const RebootLease& lease);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<RebootLease> decode_reboot_lease(std::string_view json);

}  // namespace steward::wire
