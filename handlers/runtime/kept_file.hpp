#pragma once

#include "subjects/wire/error.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace steward::runtime {

// A small text that a handler keeps in its folder over restarts. Any thread.

// None where there is no such file. Errors: permission, too_large, bad_config (not a file), io.
[[nodiscard]] Result<std::optional<std::string>> load_kept(const std::filesystem::path& file);

// On disk as a whole when it returns, or as it was before; makes the folder. Errors: io, no_space,
// permission.
[[nodiscard]] Result<void> save_kept(const std::filesystem::path& file, const std::string& text);

}  // namespace steward::runtime
