#pragma once

#include "handlers/osupdate/driver.hpp"

namespace steward::handlers::osupdate {

// Whether the driver can do all of what is asked: nothing of it is left out in silence. Errors:
// unsupported (says what, and why not).
[[nodiscard]] Result<void> check_abilities(const Driver& driver,
                                           const wire::UpdateRequest& request);

}  // namespace steward::handlers::osupdate
