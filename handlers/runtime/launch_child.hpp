#pragma once

#include "handlers/runtime/processes.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace steward::runtime {

// The child's side of launch(), between its birth and its program. For launch.cpp.

enum class LaunchStep : int {
  none,
  standard_streams,
  session,
  terminal,
  umask,
  priority,
  limit,
  groups,
  group,
  user,
  directory,
  death_signal,
  execute,
};

// What the child says of itself before it is another program: in memory that both see.
struct LaunchReport {
  LaunchStep step;
  int error;
};

// All that the child needs, in plain memory: between clone and execve it allocates nothing, takes
// no lock, and calls nothing but the kernel. glibc's setuid and setgroups would signal the threads
// of the parent, with which it shares its memory.
struct LaunchPlan {
  const char* const* argv;
  const char* const* env;
  const char* const* candidates;  // paths of the program, tried in turn
  const char* cwd;
  const Identity* identity;
  const gid_t* groups;
  std::size_t group_count;
  const ResourceLimit* limits;
  std::size_t limit_count;
  int fds[3];
  int umask;  // -1: as it is
  int nice;
  int nice_set;
  int own_terminal;
  int death_signal;
  pid_t parent;
  std::uint64_t mark;
  LaunchReport* report;
};

// The kernel's own measure of a signal mask.
inline constexpr int kKernelMaskBytes = 8;

// What the child runs: prepares itself, executes, or reports and ends. `plan` is a LaunchPlan.
int run_child(void* plan);

}  // namespace steward::runtime
