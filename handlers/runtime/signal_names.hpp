#pragma once

#include "subjects/wire/error.hpp"

#include <string>

namespace steward::runtime {

// The number of a signal named "TERM". Errors: unsupported.
[[nodiscard]] Result<int> signal_number(const std::string& name);

// "TERM" of its number; the number itself where it has no name.
std::string signal_name(int signal);

}  // namespace steward::runtime
