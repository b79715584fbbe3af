#pragma once

#include "tools/stewardctl/verb.hpp"

#include <chrono>
#include <string>

namespace steward::ctl {

// Brings a signed policy to the station and all units, waits for those that are there to have it,
// and says how far it came. `before`: a signed policy that has to go ahead of it; may be empty.
// Errors: bad_config (it is not signed, or none), denied (the station has
// a later one), those of a connection.
[[nodiscard]] Result<Exit> push_policy(Invocation& invocation,
                                       std::string document,
                                       std::chrono::milliseconds patience,
                                       std::string before = {});

}  // namespace steward::ctl
