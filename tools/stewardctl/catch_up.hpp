#pragma once

#include "tools/stewardctl/follow.hpp"

#include <functional>

namespace steward::ctl {

// Asks the units that run a command of the job for what it has said so far, and shows that: output
// that nobody heard when it was made. What comes meanwhile and is none of the answers goes to
// `others`. A unit that does not answer in time is left out. Errors: unavailable, bad_subject.
[[nodiscard]] Result<void> catch_up(Session& session,
                                    const JobProgress& progress,
                                    JobView& view,
                                    Patience patience,
                                    std::function<void(const Delivery&)> others);

}  // namespace steward::ctl
