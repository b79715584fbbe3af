#pragma once

#include "subjects/wire/error.hpp"

#include <string>
#include <string_view>

namespace steward::identity {

// Each text form has one spelling for given bytes: a reader refuses padding, other alphabets, white
// space and bits left over that are not zero, so that no two texts mean the same key or signature.

// Lower-case hexadecimal.
std::string hex(std::string_view bytes);

// RFC 4648 section 5, without padding.
std::string base64url(std::string_view bytes);

// Errors: bad_payload.
[[nodiscard]] Result<std::string> parse_base64url(std::string_view text);

// RFC 4648 section 6 (A-Z, 2-7), without padding.
std::string base32(std::string_view bytes);

// Errors: bad_payload.
[[nodiscard]] Result<std::string> parse_base32(std::string_view text);

}  // namespace steward::identity
