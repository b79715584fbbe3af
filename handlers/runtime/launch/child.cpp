#include "handlers/runtime/launch/child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace steward::runtime {
namespace {

constexpr int kSignals = 64;

// The layout of the kernel's own struct sigaction for the raw call; zeroes are the default.
struct KernelAction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  unsigned long mask;
};

// The functions of the child run with the parent's thread pointer on another stack, beside a parent
// that stands still: nothing in them may be instrumented.
[[noreturn]] __attribute__((no_sanitize("address", "thread", "undefined"))) void give_up(
    const LaunchPlan& plan, LaunchStep step) {
  plan.report->error = errno;
  plan.report->step = step;
  syscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

__attribute__((no_sanitize("address", "thread", "undefined"))) void take_streams(
    const LaunchPlan& plan) {
  const ChildFd& kept = plan.kept;
  // Out of the way of the dup3 below, and of the place of the one that is kept.
  const int lowest = kept.from >= 0 ? kept.as + 1 : 3;
  int fds[3];
  for (int i = 0; i < 3; ++i) {
    fds[i] = plan.fds[i] >= 0
                 ? plan.fds[i]
                 : static_cast<int>(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC));
    if (fds[i] >= 0 && fds[i] < lowest) {
      fds[i] = static_cast<int>(syscall(SYS_fcntl, fds[i], F_DUPFD_CLOEXEC, lowest));
    }
    if (fds[i] < 0) {
      give_up(plan, LaunchStep::standard_streams);
    }
  }
  for (int i = 0; i < 3; ++i) {
    if (syscall(SYS_dup3, fds[i], i, 0) < 0) {
      give_up(plan, LaunchStep::standard_streams);
    }
  }
  if (kept.from < 0) {
    syscall(SYS_close_range, 3U, ~0U, 0U);
    return;
  }
  if (kept.from == kept.as ? syscall(SYS_fcntl, kept.as, F_SETFD, 0) < 0
                           : syscall(SYS_dup3, kept.from, kept.as, 0) < 0) {
    give_up(plan, LaunchStep::standard_streams);
  }
  if (kept.as > 3) {
    syscall(SYS_close_range, 3U, static_cast<unsigned>(kept.as) - 1, 0U);
  }
  syscall(SYS_close_range, static_cast<unsigned>(kept.as) + 1, ~0U, 0U);
}

__attribute__((no_sanitize("address", "thread", "undefined"))) void enter_cgroup(
    const LaunchPlan& plan) {
  if (plan.cgroup_procs >= 0 && syscall(SYS_write, plan.cgroup_procs, "0", 1) != 1) {
    give_up(plan, LaunchStep::cgroup);
  }
}

__attribute__((no_sanitize("address", "thread", "undefined"))) void take_limits(
    const LaunchPlan& plan) {
  if (plan.nice_set != 0 && syscall(SYS_setpriority, PRIO_PROCESS, 0, plan.nice) != 0) {
    give_up(plan, LaunchStep::priority);
  }
  if (plan.mark != 0) {
    rlimit64 limit;
    if (syscall(SYS_prlimit64, 0, RLIMIT_RTTIME, nullptr, &limit) == 0) {
      limit.rlim_cur = plan.mark;
      syscall(SYS_prlimit64, 0, RLIMIT_RTTIME, &limit, nullptr);
    }
  }
  for (std::size_t i = 0; i < plan.limit_count; ++i) {
    rlimit64 limit;
    limit.rlim_cur = plan.limits[i].value;
    limit.rlim_max = plan.limits[i].value;
    if (syscall(SYS_prlimit64, 0, plan.limits[i].resource, &limit, nullptr) != 0) {
      give_up(plan, LaunchStep::limit);
    }
  }
}

__attribute__((no_sanitize("address", "thread", "undefined"))) void take_identity(
    const LaunchPlan& plan) {
  if (plan.other_identity == 0) {
    return;
  }
  const uid_t uid = plan.uid;
  const gid_t gid = plan.gid;
  if (syscall(SYS_setgroups, plan.group_count, plan.groups) != 0) {
    give_up(plan, LaunchStep::groups);
  }
  if (syscall(SYS_setresgid, gid, gid, gid) != 0) {
    give_up(plan, LaunchStep::group);
  }
  if (syscall(SYS_setresuid, uid, uid, uid) != 0) {
    give_up(plan, LaunchStep::user);
  }
}

__attribute__((no_sanitize("address", "thread", "undefined"))) void execute(
    const LaunchPlan& plan) {
  int refused = 0;
  for (const char* const* path = plan.candidates; *path != nullptr; ++path) {
    syscall(SYS_execve, *path, plan.argv, plan.env);
    if (errno == EACCES) {
      refused = EACCES;  // as execvp: another one further on may be allowed
    } else if (errno != ENOENT && errno != ENOTDIR) {
      give_up(plan, LaunchStep::execute);
    }
  }
  if (refused != 0) {
    errno = refused;
  }
  give_up(plan, LaunchStep::execute);
}

}  // namespace

__attribute__((no_sanitize("address", "thread", "undefined"))) int run_child(void* raw) {
  const LaunchPlan& plan = *static_cast<const LaunchPlan*>(raw);
  KernelAction usual;
  usual.handler = nullptr;
  usual.flags = 0;
  usual.restorer = nullptr;
  usual.mask = 0;
  for (int signal = 1; signal <= kSignals; ++signal) {  // execve would keep the ignored ones
    syscall(SYS_rt_sigaction, signal, &usual, nullptr, kKernelMaskBytes);
  }
  if (syscall(SYS_setsid) < 0) {
    give_up(plan, LaunchStep::session);
  }
  enter_cgroup(plan);
  take_streams(plan);
  if (plan.own_terminal != 0 && syscall(SYS_ioctl, 0, TIOCSCTTY, 0) != 0) {
    give_up(plan, LaunchStep::terminal);
  }
  if (plan.umask >= 0) {
    syscall(SYS_umask, plan.umask);
  }
  take_limits(plan);
  take_identity(plan);
  if (syscall(SYS_chdir, plan.cwd) != 0) {
    give_up(plan, LaunchStep::directory);
  }
  if (plan.death_signal != 0) {  // after the change of user, which clears it
    if (syscall(SYS_prctl, PR_SET_PDEATHSIG, plan.death_signal, 0, 0, 0) != 0 ||
        syscall(SYS_getppid) != plan.parent) {
      give_up(plan, LaunchStep::death_signal);
    }
  }
  const std::uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kKernelMaskBytes);
  execute(plan);
  return 127;
}

}  // namespace steward::runtime
