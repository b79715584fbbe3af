#pragma once

#include "tools/stewardctl/verb.hpp"

#include <string>
#include <vector>

namespace steward::ctl {

// What the words of the command line name.
struct Dispatch {
  const Verb* verb = nullptr;
  std::vector<std::string> arguments;  // of the verb
};

// `words` begin with the verb. "ls" is units, "jobs" alone is "jobs ls", "context" alone "context
// ls". Errors: bad_config, with the verb that may have been meant.
[[nodiscard]] Result<Dispatch> find_verb(const std::vector<std::string>& words, const Verbs& verbs);

// Does what the command line says, errors printed, and gives the exit status.
Exit dispatch(std::vector<std::string> words, const Verbs& verbs, const Environment& environment);

}  // namespace steward::ctl
