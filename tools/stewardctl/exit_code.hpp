#pragma once

#include "subjects/wire/ack.hpp"
#include "subjects/wire/error.hpp"

#include <string_view>
#include <vector>

namespace steward::ctl {

// What stewardctl's exit status says (stewardctl(1), EXIT STATUS).
enum class Exit {
  ok = 0,             // all units did it
  failed = 1,         // at least one unit ran it and failed
  usage = 2,          // wrong arguments or configuration
  no_match = 3,       // the target matches no unit
  no_answer = 4,      // at least one unit, or the station, did not answer in time
  no_bus = 5,         // the broker cannot be reached, or does not let us in
  denied = 6,         // refused by policy
  interrupted = 130,  // Ctrl-C
};

// The status of a verb that ended with this error: unavailable is no_bus, timed_out no_answer,
// not_found no_match; denied, unsigned, bad_signature and unknown_signer denied; anything else
// usage.
Exit exit_of(const Error& error);

// How one unit came out of a job.
enum class Outcome { ok, failed, denied, pending };

// `code` is the error word of the terminal ACK.
Outcome outcome_of(wire::CommandState state, std::string_view code);

// The status of a whole job: pending ones win over denied ones, those over failed ones.
Exit exit_of(const std::vector<Outcome>& outcomes);

}  // namespace steward::ctl
