#pragma once

#include <span>
#include <string_view>

namespace steward::fuzz {

// What every parser of the wire promises about any bytes at all: it refuses them with a short error
// and one of its codes, or gives a value whose encoding decodes to the same value. Each check reads
// the bytes once and says whether the promise was kept; it crashes where a parser does.
struct Check {
  std::string_view name;  // of the fuzz target and of its corpus folder
  bool (*holds)(std::string_view bytes);
};

// subject, envelope, time, target, text, pattern and every payload.
std::span<const Check> checks();

// The check of that name; ends the program where there is none.
const Check& check(std::string_view name);

}  // namespace steward::fuzz
