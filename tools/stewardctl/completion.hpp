#pragma once

#include "tools/stewardctl/verb.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace steward::ctl {

// The script for that shell: it asks `stewardctl __complete` with the words so far. Errors:
// bad_config (another shell).
[[nodiscard]] Result<std::string> completion_script(std::string_view shell);

// What can stand in the place of the last word.
enum class Wanted { nothing, candidates, units, jobs, contexts };

struct Completion {
  Wanted wanted = Wanted::nothing;
  std::vector<std::string> candidates;  // that begin with the last word
};

// Pure; `words` without the program's name, the last one unfinished (perhaps empty). Nothing is
// offered behind "--": those words are another program's.
Completion complete(const std::vector<std::string>& words, const Verbs& verbs);

// The candidates for an unfinished target: of "ship1,sh" the last name is completed.
std::vector<std::string> complete_units(const std::string& word,
                                        const std::vector<std::string>& known);

}  // namespace steward::ctl
