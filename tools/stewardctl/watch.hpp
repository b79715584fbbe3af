#pragma once

#include "tools/stewardctl/verb.hpp"

#include <functional>
#include <string>

namespace steward::ctl {

// Shows what `look` answers again and again, every `interval` ("2s"), to Ctrl-C: on a screen of its
// own, whose last text stays behind, or line after line where there is no terminal or a program
// reads. A look that fails once one has succeeded is told, and the next one tried. Errors:
// bad_config (the interval), the first look's.
[[nodiscard]] Result<Exit> watch(Invocation& invocation,
                                 Session& session,
                                 const std::string& interval,
                                 const std::function<Result<std::string>()>& look);

}  // namespace steward::ctl
