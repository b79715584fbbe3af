#pragma once

#include "subjects/identity/secret.hpp"
#include "subjects/wire/error.hpp"

#include <string>

namespace steward::ctl {

// Asks the person at the terminal, whatever stdin is; what is typed is not shown. Errors: denied
// (no terminal).
[[nodiscard]] Result<identity::Secret> ask_passphrase(const std::string& what);

}  // namespace steward::ctl
