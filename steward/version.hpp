#pragma once

#include <string_view>

namespace steward::station {

// Of the project, as its build says it.
inline constexpr std::string_view kVersion = STEWARD_VERSION;

}  // namespace steward::station
