#pragma once

#include "subjects/identity/secret.hpp"
#include "tools/stewardctl/syntax.hpp"

#include <filesystem>
#include <string>

namespace steward::ctl {

// Declares --dir: the folder of a cluster.
void declare_cluster_folder(Syntax& syntax, std::string& given);

// The folder that --dir names. Errors: bad_config (none was given).
[[nodiscard]] Result<std::filesystem::path> cluster_folder(const std::string& given);

// Asks for the passphrase of the cluster's root. Errors: those of ask_passphrase().
[[nodiscard]] Result<identity::Secret> ask_root_passphrase();

}  // namespace steward::ctl
