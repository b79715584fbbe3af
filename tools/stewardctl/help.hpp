#pragma once

#include "tools/stewardctl/console.hpp"
#include "tools/stewardctl/verb.hpp"

#include <string>
#include <string_view>

namespace steward::ctl {

// Of the whole program.
std::string program_help(const Verbs& verbs, const Style& style);

// Of a family such as `jobs`; empty where that word is none.
std::string family_help(std::string_view family, const Verbs& verbs, const Style& style);

// Of one verb; `syntax` has all its options.
std::string verb_help(const Verb& verb, const Syntax& syntax, const Style& style);

}  // namespace steward::ctl
