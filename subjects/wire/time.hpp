#pragma once

#include "subjects/wire/error.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace steward::wire {

// A moment of the wall clock, UTC, in microseconds.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

// The last moment that the text form can say.
inline constexpr Timestamp kLastTime = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31) +
                                       std::chrono::days(1) - std::chrono::microseconds(1);

// RFC 3339 with six digits of the second: 2026-11-21T07:47:28.123456Z. Years 0000 to 9999.
std::string format_time(Timestamp time);

// RFC 3339 with any number of digits of the second (those past the sixth are dropped), "Z" or an
// offset. Errors: bad_envelope.
[[nodiscard]] Result<Timestamp> parse_time(std::string_view text);

}  // namespace steward::wire
