#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/launch/child.hpp"
#include "handlers/runtime/processes.hpp"

#include <sys/types.h>

namespace steward::runtime {

// The start of a process, below Processes: for the sources of this folder.
struct Launched {
  pid_t pid = 0;
  Fd pidfd;
};

// Makes a child and returns once it has executed the program. `mark`: soft RLIMIT_RTTIME of the
// child, 0 for none. Any thread. Errors: exec_failed, limits_unavailable.
[[nodiscard]] Result<Launched> launch(const SpawnRequest& request, std::uint64_t mark);

// Where the program of a request may lie, in the order of trying.
std::vector<std::string> program_paths(const SpawnRequest& request);

// What a child has reported, in words: exec_failed or limits_unavailable.
Error launch_error(const SpawnRequest& request, const LaunchReport& report);

}  // namespace steward::runtime
