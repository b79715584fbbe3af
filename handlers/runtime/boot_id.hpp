#pragma once

#include <filesystem>
#include <string>

namespace steward::runtime {

// Where Linux names this boot of the machine: random(4).
inline constexpr const char* kBootId = "/proc/sys/kernel/random/boot_id";

// The name of this boot, another one after each. Empty: the file cannot be read.
std::string boot_id(const std::filesystem::path& file = kBootId);

}  // namespace steward::runtime
