#pragma once

#include "tests/fuzz/round_trip.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace steward::fuzz {

// The same promise as checks(), for everything of subjects/identity that reads bytes of the world.
// Where a signature would keep the bytes from being read, they are signed first: a parser must hold
// against its friends, too.
std::span<const Check> identity_checks();

// The check of that name; ends the program where there is none.
const Check& identity_check(std::string_view name);

// Good inputs of a check, to begin with.
std::vector<std::string> identity_seeds(std::string_view name);

}  // namespace steward::fuzz
