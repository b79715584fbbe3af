#pragma once

#include "tools/stewardctl/verb.hpp"

#include <chrono>
#include <filesystem>
#include <string>

namespace steward::ctl {

// Brings the broker the JWT of its account, by the login that a cluster's folder has for it; a
// broker that takes none from the bus gets it from the station that runs it. Returns when the
// broker has it in force. Errors: those of a connection; unavailable (the broker refuses it),
// timed_out (it did not come into force in time).
[[nodiscard]] Result<void> push_account(Invocation& invocation,
                                        const std::filesystem::path& folder,
                                        const std::string& account_jwt,
                                        std::chrono::milliseconds patience);

}  // namespace steward::ctl
