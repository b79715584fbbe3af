#pragma once

#include "subjects/wire/error.hpp"

#include <cstdint>
#include <string>

namespace steward::bench {

// A port of 127.0.0.1 that nobody listens on just now. Errors: io.
[[nodiscard]] Result<std::uint16_t> free_port();

// The answer to GET /metrics on that port of 127.0.0.1, headers and all. Errors: unavailable, io.
[[nodiscard]] Result<std::string> scrape(std::uint16_t port);

}  // namespace steward::bench
