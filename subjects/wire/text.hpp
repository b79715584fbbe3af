#pragma once

#include "subjects/wire/error.hpp"

#include <string>
#include <string_view>

namespace steward::wire {

bool is_utf8(std::string_view bytes);

// RFC 4648, with padding.
std::string base64(std::string_view bytes);

// Errors: bad_payload.
[[nodiscard]] Result<std::string> parse_base64(std::string_view text);

}  // namespace steward::wire
