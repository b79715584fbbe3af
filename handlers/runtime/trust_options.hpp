#pragma once

#include "handlers/runtime/options.hpp"
#include "subjects/bus/trust_files.hpp"

#include <filesystem>
#include <optional>

namespace steward::runtime {

// The section [trust] of a configuration, without `units`; none: messages are not signed. A key is
// made and a policy kept in `state_dir`.
std::optional<bus::TrustFiles> read_trust(Options& options, const std::filesystem::path& state_dir);

}  // namespace steward::runtime
