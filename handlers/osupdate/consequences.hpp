#pragma once

#include "handlers/osupdate/driver.hpp"

#include <filesystem>

namespace steward::handlers::osupdate {

// Adds to a plan what comes with it: the services that run code of its packages, and the packages
// that ask for a reboot. `proc`: /proc. Errors: those of Driver::each_file_of().
[[nodiscard]] Result<void> add_consequences(wire::UpdatePlan& plan,
                                            const Driver& driver,
                                            const std::filesystem::path& proc);

}  // namespace steward::handlers::osupdate
