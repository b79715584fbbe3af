#pragma once

#include "subjects/wire/shellcommand.hpp"

#include <cstddef>
#include <string_view>

namespace steward::handlers::shellcommand {

// How many bytes of JSON those bytes become.
std::size_t size_in_json(std::string_view bytes, wire::OutputEncoding encoding);

// What a result has beside its output.
inline constexpr std::size_t kRoomForTheRest = 16 * 1024;

// Leaves out of the middle of both outputs what does not fit into that many bytes of JSON (text
// with control characters grows sixfold, binary by a third), and says so in `truncated`.
void fit(wire::ShellResult& result, wire::OutputEncoding encoding, std::size_t most);

// The last part of a text without the half character at its begin, the first without that at its
// end; at most three bytes shorter.
std::string_view without_half_begin(std::string_view text);
std::string_view without_half_end(std::string_view text);

}  // namespace steward::handlers::shellcommand
