#pragma once

#include "subjects/wire/error.hpp"

#include <cstddef>
#include <filesystem>
#include <vector>

namespace steward::runtime {

// Files and programs that the machine's owner puts beside the agent. Any thread.

struct OwnerFile {
  bool is_program = false;  // its owner may execute it
};

// Looks at a file before it is read or run: one that others than root and our own user own or can
// write is left alone. Errors: not_found, bad_config (not a file), permission, io.
[[nodiscard]] Result<OwnerFile> owner_file(const std::filesystem::path& file);

// The files of that folder by name, those with a '.' in front left out, at most so many; none where
// there is no such folder.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder, std::size_t most);

}  // namespace steward::runtime
