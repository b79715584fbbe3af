#pragma once

#include "handlers/runtime/processes.hpp"

#include <map>
#include <string>
#include <vector>

namespace steward::runtime {

// A user of the system, as a command gets it.
struct Account {
  Identity identity;
  std::string name;
  std::string home;
};

// Both ask the system's name services, which may go to the network: on Loop::work.

// The user that this program runs as; one without an entry is named by its number, its home is "/".
Account own_account();

// `group` empty: the user's own; `user` empty: this program's, with that group. Names or numbers.
// Errors: no_such_user (of a group, too).
[[nodiscard]] Result<Account> find_account(const std::string& user, const std::string& group);

// What a process of that user begins with, and nothing else: PATH, LANG, HOME, USER, LOGNAME.
std::map<std::string, std::string> clean_environment(const Account& account);

// "NAME=value" of each, as a process takes it.
std::vector<std::string> environment_lines(const std::map<std::string, std::string>& variables);

}  // namespace steward::runtime
