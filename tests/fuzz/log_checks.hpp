#pragma once

#include "tests/fuzz/round_trip.hpp"

#include <string_view>

namespace steward::fuzz {

// What reads lines, connections, conditions and batches promises about any bytes: nothing is lost
// of them or read beyond them, and how they were cut on their way makes no difference. The check of
// that name; ends the program where there is none.
const Check& log_check(std::string_view name);

}  // namespace steward::fuzz
