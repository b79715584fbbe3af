#pragma once

#include "tools/stewardctl/session.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace steward::ctl {

// Sends a command that the station carries out itself (method alerts or groups), and waits until
// its answers show that it has. `is_done` asks it, given the command's id. Errors: unavailable,
// no_space, timed_out (the station has not done it in time: it says why in its history).
[[nodiscard]] Result<void> tell_station(
    Session& session,
    std::string_view method,
    std::string payload,
    const std::function<Result<bool>(const wire::MessageId& id)>& is_done);

}  // namespace steward::ctl
