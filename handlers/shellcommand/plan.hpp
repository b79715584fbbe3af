#pragma once

#include "handlers/runtime/account.hpp"
#include "handlers/runtime/processes.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::shellcommand {

// What a command needs to know of the outside world before it can start.
struct Surroundings {
  runtime::Account account;
  std::string skip;  // why nothing is to be done (creates, removes); empty: go on
};

// Whether anything must be asked: without, a command starts at once.
bool needs_surroundings(const wire::ShellRun& run);

// Asks name services and file systems, which may hang: on Loop::work. Errors: no_such_user,
// exec_failed (cwd is not there or no directory).
[[nodiscard]] Result<Surroundings> explore(const wire::ShellRun& run);

// The environment of a command, "NAME=value". `inherited`: this program's own, for env_mode
// inherit.
std::vector<std::string> make_environment(const wire::ShellRun& run,
                                          const runtime::Account& account,
                                          const std::string& job,
                                          const std::vector<std::string>& inherited);

// The command as a process, but for its descriptors and limits.
runtime::SpawnRequest make_request(const wire::ShellRun& run,
                                   const runtime::Account& account,
                                   const std::string& job,
                                   const std::vector<std::string>& inherited);

// For logs and lists: what runs, at most 120 bytes of it, the values of secret variables masked.
std::string summary(const wire::ShellRun& run);

}  // namespace steward::handlers::shellcommand
