#pragma once

#include "subjects/wire/error.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace steward::station {

// Makes a folder and those above it, for its owner only (0700) where it is new.
// Errors: permission, no_space, io.
[[nodiscard]] Result<void> make_private_folder(const std::filesystem::path& folder);

// Replaces a file whole, for its owner only (0600). Errors: permission, no_space, io.
[[nodiscard]] Result<void> write_private_file(const std::filesystem::path& file,
                                              std::string_view text);

// At most 64 KiB of a file; none where it cannot be read.
std::optional<std::string> read_small_file(const std::filesystem::path& file);

}  // namespace steward::station
