#pragma once

#include "subjects/wire/daemon.hpp"

#include <string>
#include <string_view>

namespace steward::wire {

// A daemon's spec as it stands in a file: TOML where the file is named so, else JSON, with the same
// fields. `path` is for the words of errors, and without a "name" in it the file's name is the
// daemon's. Errors: bad_config (with its place, where it is not TOML).
[[nodiscard]] Result<DaemonSpec> decode_daemon_file(std::string_view text, const std::string& path);

}  // namespace steward::wire
