#pragma once

#include "tools/stewardctl/verb.hpp"

#include <cstdint>
#include <string>

namespace steward::ctl {

// Lists commands that ended otherwise than done, one line a command and unit, each with its reason;
// `name` prints their jobs. Errors: those of Session::query.
[[nodiscard]] Result<Exit> list_failures(Invocation& invocation, std::int64_t limit);

// "exit 3", "killed by KILL", "no_handler: the unit serves no ...", as a failed command says it.
std::string reason_text(const wire::FailureRow& row);

}  // namespace steward::ctl
