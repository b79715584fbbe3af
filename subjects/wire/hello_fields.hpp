#pragma once

#include "subjects/wire/fields.hpp"
#include "subjects/wire/hello.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>

namespace steward::wire {

// The fields of a hello, which are those of its payload and part of a row of the state table. For
// the sources of this folder.

Hello read_hello(Fields& fields);

void write_hello(const Hello& hello, nlohmann::json& out);

// A number of JSON that every reader keeps whole.
inline constexpr std::int64_t kMostWhole = std::int64_t{1} << 53;
inline constexpr std::chrono::milliseconds kMostTime{kMostWhole};

}  // namespace steward::wire
