#pragma once

#include "subjects/wire/envelope.hpp"

#include <string>
#include <string_view>

namespace steward::identity::tests {

// A policy's body with people, a station, a group and three rules; the keys are those of
// fixed_key().
std::string example_policy();

wire::Timestamp written_at();  // when it was issued

// A command of that key and name at that time; unsigned, since a policy looks at no signature.
wire::Envelope command_of(int key, std::string_view source, std::string_view subject);

std::string replaced(std::string text, std::string_view from, std::string_view to);

}  // namespace steward::identity::tests
