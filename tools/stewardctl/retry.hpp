#pragma once

#include "subjects/wire/error.hpp"

#include <string>

namespace steward::ctl {

// Whether a command can be sent again from what the station has kept of its payload. Errors:
// not_found (nothing was kept), bad_config (it had secrets, which are not kept).
[[nodiscard]] Result<void> check_payload(const std::string& payload);

}  // namespace steward::ctl
