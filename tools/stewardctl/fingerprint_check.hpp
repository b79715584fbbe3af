#pragma once

#include "tools/stewardctl/verb.hpp"

#include <string>

namespace steward::ctl {

// A person says that a request is the one that the unit shows: by the fingerprint that was given on
// the command line, else by an answer at the terminal. Errors: denied (it is another one, or nobody
// confirms it), bad_config (nobody is there to ask).
[[nodiscard]] Result<void> check_fingerprint(Invocation& invocation,
                                             const std::string& unit,
                                             const std::string& fingerprint,
                                             const std::string& given);

}  // namespace steward::ctl
