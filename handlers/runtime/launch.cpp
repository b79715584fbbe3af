#include "handlers/runtime/launch.hpp"

#include "handlers/runtime/launch/child.hpp"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace steward::runtime {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;

}  // namespace

std::vector<std::string> program_paths(const SpawnRequest& request) {
  const std::string& name = request.argv.front();
  if (name.find('/') != std::string::npos) {
    return {name};
  }
  std::string_view path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& entry : request.env) {
    if (entry.starts_with("PATH=")) {
      path = std::string_view(entry).substr(5);
    }
  }
  std::vector<std::string> paths;
  while (!path.empty()) {
    const auto colon = std::min(path.find(':'), path.size());
    if (colon > 0 && path.front() == '/') {  // nothing out of whatever directory this is
      paths.push_back(std::string(path.substr(0, colon)) + "/" + name);
    }
    path.remove_prefix(std::min(colon + 1, path.size()));
  }
  return paths;
}

namespace {

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    out.push_back(text.c_str());
  }
  out.push_back(nullptr);
  return out;
}

// Memory for the child's stack, with the report at its low end. Shared where the child's memory is
// a copy of ours.
class Arena {
 public:
  explicit Arena(int flags)
      : memory_(mmap(nullptr,
                     kStackBytes,
                     PROT_READ | PROT_WRITE,
                     flags | MAP_ANONYMOUS | MAP_STACK,
                     -1,
                     0)) {}

  ~Arena() {
    if (good()) {
      munmap(memory_, kStackBytes);
    }
  }

  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  bool good() const { return memory_ != MAP_FAILED; }

  LaunchReport* report() const { return static_cast<LaunchReport*>(memory_); }

  void* top() const { return static_cast<char*>(memory_) + kStackBytes; }

 private:
  void* memory_;
};

// Holds off every signal of this thread: a handler of ours must not run in the child.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    const std::uint64_t all = ~std::uint64_t{0};
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, kKernelMaskBytes);
  }

  ~SignalsBlocked() {
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, kKernelMaskBytes);
  }

  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  std::uint64_t before_ = 0;
};

// The parent stands still until the child has executed or ended (CLONE_VFORK) in either way. With
// CLONE_VM no page table is copied, which makes it independent of our size.
pid_t clone_sharing_memory(LaunchPlan& plan, const Arena& arena, int& pidfd) {
  const SignalsBlocked blocked;
  return ::clone(&run_child,
                 arena.top(),
                 CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                 &plan,
                 &pidfd,
                 nullptr,
                 nullptr);
}

// Only clone3 can bear a child into a cgroup, and with a shared memory it would need a stack switch
// in assembly.
__attribute__((no_sanitize("address", "thread", "undefined"))) pid_t clone_copying_memory(
    LaunchPlan& plan, int cgroup, int& pidfd) {
  const SignalsBlocked blocked;
  clone_args args;
  __builtin_memset(&args, 0, sizeof args);
  args.flags = CLONE_VFORK | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  const auto pid = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
  if (pid == 0) {
    run_child(&plan);
  }
  return pid;
}

}  // namespace

Error launch_error(const SpawnRequest& request, const LaunchReport& report) {
  const char* name = strerrorname_np(report.error);
  const std::string why = std::string(": ") + strerrordesc_np(report.error) + " (" +
                          (name != nullptr ? name : std::to_string(report.error)) + ")";
  const auto failed = [&why](const std::string& doing) {
    return Error{ErrorCode::exec_failed, doing + why};
  };
  switch (report.step) {
    case LaunchStep::priority:
      return {ErrorCode::limits_unavailable,
              "set nice " + std::to_string(request.nice.value_or(0)) + why};
    case LaunchStep::limit:
      return {ErrorCode::limits_unavailable, "set a resource limit" + why};
    case LaunchStep::cgroup:
      return {ErrorCode::limits_unavailable, "enter a cgroup" + why};
    case LaunchStep::directory:
      return failed("enter directory " + request.cwd);
    case LaunchStep::groups:
      return failed("set supplementary groups");
    case LaunchStep::group:
      return failed("become group " + std::to_string(request.identity.value_or(Identity{}).gid));
    case LaunchStep::user:
      return failed("become user " + std::to_string(request.identity.value_or(Identity{}).uid));
    case LaunchStep::terminal:
      return failed("take the terminal");
    case LaunchStep::standard_streams:
      return failed("take the standard streams");
    case LaunchStep::execute:
      return failed("execute " + request.argv.front());
    default:
      return failed("prepare the process");
  }
}

namespace {

#if defined(__SANITIZE_THREAD__)
// Its clone() takes the child for a fork, and notes in the memory that both share that no threads
// may be started any more.
constexpr bool kMayShareMemory = false;
#else
constexpr bool kMayShareMemory = true;
#endif

bool shares_memory(const SpawnRequest& request) { return kMayShareMemory && request.cgroup < 0; }

pid_t clone_for(const SpawnRequest& request, LaunchPlan& plan, const Arena& arena, int& pidfd) {
  return shares_memory(request) ? clone_sharing_memory(plan, arena, pidfd)
                                : clone_copying_memory(plan, request.cgroup, pidfd);
}

}  // namespace

Result<Launched> launch(const SpawnRequest& request, std::uint64_t mark) {
  if (request.argv.empty() || request.argv.front().empty()) {
    return failure(ErrorCode::exec_failed, "no program is named");
  }
  const auto paths = program_paths(request);
  const auto candidates = pointers(paths);
  const auto argv = pointers(request.argv);
  const auto env = pointers(request.env);
  const Arena arena(shares_memory(request) ? MAP_PRIVATE : MAP_SHARED);
  if (!arena.good()) {
    return failure(ErrorCode::exec_failed, "no memory for a child's stack");
  }
  *arena.report() = LaunchReport{LaunchStep::none, 0};
  const Identity identity = request.identity.value_or(Identity{});
  std::vector<ChildLimit> limits;
  limits.reserve(request.limits.size());
  for (const auto& limit : request.limits) {
    limits.push_back({limit.resource, limit.value});
  }
  LaunchPlan plan{argv.data(),
                  env.data(),
                  candidates.data(),
                  request.cwd.c_str(),
                  request.identity ? 1 : 0,
                  identity.uid,
                  identity.gid,
                  identity.groups.data(),
                  identity.groups.size(),
                  limits.data(),
                  limits.size(),
                  {request.in, request.out, request.err},
                  {-1, 0},
                  -1,
                  request.umask ? static_cast<int>(*request.umask) : -1,
                  request.nice.value_or(0),
                  request.nice ? 1 : 0,
                  request.terminal == ControllingTerminal::standard_input ? 1 : 0,
                  request.parent_death_signal,
                  getpid(),
                  mark,
                  arena.report()};
  errno = ENOENT;  // what a PATH without a directory ends with
  int pidfd = -1;
  const pid_t pid = clone_for(request, plan, arena, pidfd);
  if (pid < 0) {
    return tl::unexpected<Error>(
        Error{ErrorCode::exec_failed, std::string("make a process: ") + strerrordesc_np(errno)});
  }
  Launched launched{pid, Fd(pidfd)};
  if (arena.report()->step != LaunchStep::none) {
    syscall(SYS_waitid, P_PIDFD, pidfd, nullptr, WEXITED, nullptr);
    return tl::unexpected<Error>(launch_error(request, *arena.report()));
  }
  return launched;
}

}  // namespace steward::runtime
