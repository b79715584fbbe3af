#pragma once

#include "handlers/osupdate/driver.hpp"

#include <filesystem>
#include <optional>
#include <string_view>

namespace steward::handlers::osupdate {

// dpkg's own files. Pure, but for the two that read them.

// Of dpkg's status file. A package of another than the machine's own architecture is "name:arch".
SystemState parse_dpkg_status(std::string_view text);

// Of dpkg's folder, var/lib/dpkg. Errors: io, permission, not_found.
[[nodiscard]] Result<SystemState> read_dpkg_state(const std::filesystem::path& folder);

// Who holds one of these lock files; none: nobody does. Errors: io, permission.
[[nodiscard]] Result<std::optional<LockHolder>> lock_holder_of(
    const std::vector<std::filesystem::path>& files);

}  // namespace steward::handlers::osupdate
