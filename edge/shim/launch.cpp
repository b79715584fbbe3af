#include "edge/shim/launch.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace steward::shim {
namespace {

using runtime::LaunchPlan;
using runtime::LaunchReport;
using runtime::LaunchStep;

// This program stands still until the child has executed or ended (CLONE_VFORK): it is so small
// that the copy of its memory costs less than a stack for sharing it.
__attribute__((no_sanitize("address", "undefined"))) pid_t clone_child(LaunchPlan& plan) {
  clone_args args;
  __builtin_memset(&args, 0, sizeof args);
  args.flags = CLONE_VFORK;
  args.exit_signal = SIGCHLD;
  const auto pid = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
  if (pid == 0) {
    runtime::run_child(&plan);
  }
  return pid;
}

}  // namespace

Started launch(const Order& order, const ChildEnds& ends) {
  Started started;
  auto* report = static_cast<LaunchReport*>(mmap(
      nullptr, sizeof(LaunchReport), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (report == MAP_FAILED) {
    started.report = {LaunchStep::execute, errno};
    return started;
  }
  const int group = order.cgroup != nullptr ? open(order.cgroup, O_WRONLY | O_CLOEXEC) : -1;
  if (order.cgroup != nullptr && group < 0) {
    started.report = {LaunchStep::cgroup, errno};
    return started;
  }
  LaunchPlan plan{order.argv,
                  order.env,
                  order.candidates,
                  order.cwd,
                  order.other_identity,
                  order.uid,
                  order.gid,
                  order.groups,
                  order.group_count,
                  order.limits,
                  order.limit_count,
                  {ends.in, ends.out, ends.err >= 0 ? ends.err : ends.out},
                  {ends.ready, order.ready_fd},
                  group,
                  order.umask,
                  order.nice,
                  order.nice_set,
                  0,
                  0,
                  getpid(),
                  0,
                  report};
  errno = ENOENT;  // what no candidate at all ends with
  started.pid = clone_child(plan);
  if (started.pid < 0) {
    started.report = {LaunchStep::execute, errno};
  } else {
    started.report = *report;
  }
  if (started.report.step != LaunchStep::none && started.pid > 0) {
    waitpid(started.pid, nullptr, 0);
    started.pid = 0;
  }
  munmap(report, sizeof(LaunchReport));
  if (group >= 0) {
    close(group);
  }
  return started;
}

}  // namespace steward::shim
