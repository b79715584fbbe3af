#pragma once

#include "subjects/bus/message.hpp"
#include "subjects/identity/policy.hpp"
#include "tools/stewardctl/session.hpp"

#include <optional>
#include <string_view>

namespace steward::ctl {

// The policy that the station has in force; none where it signs nothing, has none, or knows no such
// question. Its signature is not looked at: units decide by their own, this one explains. Errors:
// Session::query()'s, bad_payload, unsupported.
[[nodiscard]] Result<std::optional<identity::Policy>> ask_policy(Session& session);

// What that policy says of one of our messages at that unit.
identity::Verdict judge(const identity::Policy& policy,
                        const bus::Message& message,
                        std::string_view unit);

}  // namespace steward::ctl
