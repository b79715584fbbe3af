#pragma once

#include "handlers/osupdate/driver.hpp"

#include <sys/types.h>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::osupdate {

// What all drivers read of the machine alike.

// Bytes that are free where that is, or would be.
std::int64_t room_in(std::filesystem::path path);

// With archives in that folder below the root.
Room room_below(const std::filesystem::path& root, std::string_view archives);

// Times and sizes of those files below the root, in a line.
std::string stamps_of(const std::filesystem::path& root,
                      std::initializer_list<std::string_view> paths);
std::string stamp_of(const std::filesystem::path& path);

// All of a small file; empty: there is none.
std::string whole_text(const std::filesystem::path& path);

// The process of that id, with its name.
LockHolder holder_named(pid_t pid);

// Who holds a lock of either kind on the file of that inode, by the text of /proc/locks; 0: nobody.
// `device`: "fe:00". Pure.
pid_t locker_of(std::string_view locks, std::string_view device, ino_t inode);

// Who holds a lock on that file; none: nobody does, or there is no such file.
std::optional<LockHolder> locker_of_file(const std::filesystem::path& path);

// Says "unpacked" while somebody holds that lock, "installed" else.
CommandLine status_by_lock(const std::filesystem::path& lock);

// Words for a shell, each in quotes.
std::string shell_words(const CommandLine& words);

}  // namespace steward::handlers::osupdate
