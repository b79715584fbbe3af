#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace steward::runtime {

// The child's side of a start, between its birth and its program: for a parent of whatever size,
// the agent's launch() or the shim. Needs no library but the kernel.

enum class LaunchStep : int {
  none,
  cgroup,
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

// Soft and hard limit alike. `resource` is an RLIMIT_ constant.
struct ChildLimit {
  int resource;
  std::uint64_t value;
};

// A descriptor that the child keeps beside its three.
struct ChildFd {
  int from;  // -1: none
  int as;    // 3 or more
};

// All that the child needs, in plain memory: between clone and execve it allocates nothing, takes
// no lock, and calls nothing but the kernel. glibc's setuid and setgroups would signal the threads
// of the parent, with which it shares its memory.
struct LaunchPlan {
  const char* const* argv;
  const char* const* env;
  const char* const* candidates;  // paths of the program, tried in turn
  const char* cwd;
  int other_identity;  // 0: the parent's; uid, gid and groups do not count
  uid_t uid;
  gid_t gid;
  const gid_t* groups;
  std::size_t group_count;
  const ChildLimit* limits;
  std::size_t limit_count;
  int fds[3];  // -1: /dev/null
  ChildFd kept;
  int cgroup_procs;  // of the group to enter, open for writing; -1: none
  int umask;         // -1: as it is
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
