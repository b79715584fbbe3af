#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace steward::ctl {

// "500ms", "10s", "2m", "1h", "7d"; a bare number is seconds, fractions are fine ("1.5s").
// Errors: bad_config, with examples.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

// For people, two digits of meaning: "250ms", "12s", "3m", "2h", "5d".
std::string short_age(std::chrono::milliseconds age);

// "0.04s", "12.3s", "3m12s".
std::string short_duration(std::chrono::milliseconds duration);

// "0.21ms", "12ms", "1.2s"; "-" for none.
std::string short_rtt(std::optional<std::chrono::microseconds> rtt);

// "512 B", "1.5 MiB".
std::string short_bytes(std::uint64_t bytes);

// Local time of the day, "14:12" or with seconds and milliseconds "14:12:03.250".
std::string clock_minutes(wire::Timestamp time);
std::string clock_millis(wire::Timestamp time);

// Local date and time to the second: "2026-11-21 14:12:03".
std::string date_time(wire::Timestamp time);

// "1 unit", "2 units".
std::string counted(std::size_t count, std::string_view singular);

// Terminal columns of UTF-8 text, each code point counted as one.
std::size_t columns(std::string_view text);

// At most that many columns, the last one an ellipsis where something was cut.
std::string shortened(std::string_view text, std::size_t width, std::string_view ellipsis);

// One line for a terminal: control characters become spaces, what is not UTF-8 becomes '?'.
std::string one_line(std::string_view text);

}  // namespace steward::ctl
