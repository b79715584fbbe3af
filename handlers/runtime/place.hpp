#pragma once

#include <chrono>
#include <string_view>

namespace steward::runtime {

// Where in a span of time a name has its place: the same one always, spread evenly over many names,
// so that a fleet does not speak at once.
std::chrono::milliseconds place_in(std::chrono::milliseconds span, std::string_view name);

}  // namespace steward::runtime
