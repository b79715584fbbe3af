#pragma once

#include "subjects/wire/error.hpp"

#include <string>
#include <string_view>

namespace steward::wire {

// `*` stands for anything, `?` for one letter. Neither length nor stars make it slow beyond their
// product.
bool glob_matches(std::string_view glob, std::string_view text);

// 0 to 9, whatever the locale.
inline bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

bool is_utf8(std::string_view bytes);

// RFC 4648, with padding.
std::string base64(std::string_view bytes);

// Errors: bad_payload.
[[nodiscard]] Result<std::string> parse_base64(std::string_view text);

}  // namespace steward::wire
