#pragma once

#include "handlers/runtime/processes.hpp"

#include <string>

namespace steward::handlers::shellcommand {

// A user of the system, as a command gets it.
struct Account {
  runtime::Identity identity;
  std::string name;
  std::string home;
};

// Both ask the system's name services, which may go to the network: on Loop::work.

// The user that this program runs as; one without an entry is named by its number, its home is "/".
Account own_account();

// `group` empty: the user's own; `user` empty: this program's, with that group. Names or numbers.
// Errors: no_such_user (of a group, too).
[[nodiscard]] Result<Account> find_account(const std::string& user, const std::string& group);

}  // namespace steward::handlers::shellcommand
