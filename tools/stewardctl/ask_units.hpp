#pragma once

#include "tools/stewardctl/follow.hpp"

#include <functional>
#include <string>
#include <vector>

namespace steward::ctl {

// A command for one unit whose answer is for this program, not for the screen.
struct UnitQuestion {
  std::string unit;
  std::string payload;  // JSON text
};

// Sends them under one job and waits for their ends, silently; the units come back in the order of
// the questions. `others` hears what comes meanwhile. Errors: unavailable, bad_subject.
[[nodiscard]] Result<JobProgress> ask_units(Session& session,
                                            const std::string& method,
                                            const std::string& domain,
                                            const std::vector<UnitQuestion>& questions,
                                            Patience patience,
                                            std::function<void(const Delivery&)> others = nullptr);

}  // namespace steward::ctl
