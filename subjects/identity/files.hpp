#pragma once

#include "subjects/identity/secret.hpp"
#include "subjects/wire/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace steward::identity {

// The largest file that this room reads.
inline constexpr std::size_t kLargestFile = 4 * 1024 * 1024;

enum class Access {
  owner_only,  // 0600: keys and logins
  everybody,   // 0644: certificates, policy
};

enum class Existing { keep, replace };

// Writes a file that is there as a whole or not at all, also after a power cut: a new file beside
// it, fsync, rename, fsync of the folder. The mode is set before the first byte stands in it. With
// Existing::keep a file that is there stays as it is. Errors: conflict (it is there, and is to be
// kept), permission, no_space, not_found (no such folder), io.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path,
                                      std::string_view bytes,
                                      Access access,
                                      Existing existing);

// The bytes of a file that only its owner can read or write, and that is ours or root's.
// Errors: permission (others can, or another user owns it), not_found, too_large, bad_config (not a
// file), io.
[[nodiscard]] Result<Secret> read_secret_file(const std::filesystem::path& path);

// The text of any file. Errors: permission, not_found, too_large, bad_config, io.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);

}  // namespace steward::identity
