#include "handlers/runtime/processes.hpp"

#include "handlers/runtime/launch.hpp"
#include "handlers/runtime/process_tree.hpp"
#include "handlers/runtime/tree_kill.hpp"
#include "subjects/bus/crash_point.hpp"
#include "subjects/bus/mutex.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <utility>

namespace steward::runtime {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Soft RLIMIT_RTTIME of the first child, in microseconds of uninterrupted real-time CPU: 285 years.
// It binds nobody, and every descendant inherits it.
constexpr std::uint64_t kFirstMark = std::uint64_t{9'000'000'000'000'000};

// Orphans are reaped together: a burst of children that end costs one look.
constexpr milliseconds kReapPause{50};

microseconds time_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + microseconds(time.tv_usec);
}

// Reaps the process of a pidfd if it has ended.
std::optional<ExitStatus> reap(int pidfd) {
  siginfo_t info{};
  rusage usage{};
  // The raw call: glibc's waitid has no rusage.
  if (syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | WNOHANG, &usage) != 0 ||
      info.si_pid == 0) {
    return std::nullopt;
  }
  ExitStatus status;
  if (info.si_code == CLD_EXITED) {
    status.code = info.si_status;
  } else {
    status.signal = info.si_status;
    status.core_dumped = info.si_code == CLD_DUMPED;
  }
  status.user_time = time_of(usage.ru_utime);
  status.system_time = time_of(usage.ru_stime);
  status.max_rss_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
  return status;
}

}  // namespace

struct Processes::State {
  explicit State(Loop& loop)
      : pause(loop, [this] { reap_orphans(); }), child_signals(loop, SIGCHLD, [this] {
          if (!pause.active()) {
            pause.start(kReapPause);
          }
        }) {}

  void reap_orphans();
  bool is_child_of_ours(pid_t pid);
  void abandon(pid_t pid, Fd pidfd);

  bus::Mutex mutex;
  std::set<pid_t> children STEWARD_GUARDED_BY(mutex);
  int spawning STEWARD_GUARDED_BY(mutex) = 0;  // made, perhaps, and not in `children` yet
  std::uint64_t next_mark STEWARD_GUARDED_BY(mutex) = kFirstMark;
  std::vector<Fd> abandoned STEWARD_GUARDED_BY(mutex);  // without their Child, not yet reaped
  Timer pause;
  SignalWatcher child_signals;
};

void Processes::State::reap_orphans() {
  const auto candidates = children_of_first_thread();
  const bus::Lock lock(mutex);
  std::erase_if(abandoned, [](const Fd& pidfd) { return reap(pidfd.get()).has_value(); });
  if (spawning > 0) {  // a candidate may be one that is about to be registered
    pause.start(kReapPause);
    return;
  }
  for (const pid_t pid : candidates) {
    // Under the lock and not registered: an orphan that came to us, or gone by now.
    if (!children.contains(pid)) {
      siginfo_t info{};
      waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
    }
  }
}

bool Processes::State::is_child_of_ours(pid_t pid) {
  const bus::Lock lock(mutex);
  return children.contains(pid);
}

// A child without its Child: reaped now if it has ended (its SIGCHLD has come and gone then), or by
// the SIGCHLD that is still to come.
void Processes::State::abandon(pid_t pid, Fd pidfd) {
  const bus::Lock lock(mutex);
  children.erase(pid);
  if (!reap(pidfd.get())) {
    abandoned.push_back(std::move(pidfd));
  }
}

struct Child::State {
  State(Processes::State& the_house, Loop& the_loop, Launched launched)
      : house(the_house), loop(the_loop), pid(launched.pid), pidfd(std::move(launched.pidfd)) {}

  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void look();
  TreeRoot root();

  Processes::State& house;
  Loop& loop;
  pid_t pid;
  Fd pidfd;
  Fd cgroup;
  std::uint64_t mark = 0;
  std::string job;
  bool running = true;
  std::function<void(const ExitStatus&)> on_exit;
  std::unique_ptr<FdWatcher> watcher;
  std::unique_ptr<TreeKiller> killer;
};

Child::State::~State() {
  watcher.reset();
  if (!running) {
    return;
  }
  syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  house.abandon(pid, std::move(pidfd));
}

void Child::State::look() {
  std::optional<ExitStatus> status;
  {
    // In one step with the reaping: from then on the number may be another spawn's.
    const bus::Lock lock(house.mutex);
    status = reap(pidfd.get());
    if (status) {
      house.children.erase(pid);
    }
  }
  if (!status) {
    return;
  }
  bus::crash_point("edge.exit.seen", job);
  running = false;
  watcher.reset();
  if (killer) {
    killer->nudge();
  }
  const auto listener = std::move(on_exit);
  listener(*status);  // may destroy this
}

TreeRoot Child::State::root() {
  return {pid, running, mark, job, cgroup.get(), [this](pid_t other) {
            return house.is_child_of_ours(other);
          }};
}

Child::Child(std::unique_ptr<State> state) : state_(std::move(state)) {}

Child::~Child() = default;

pid_t Child::pid() const { return state_->pid; }

bool Child::running() const { return state_->running; }

Result<void> Child::signal(int signal) const {
  if (!state_->running) {
    return failure(ErrorCode::not_found, "the process has ended");
  }
  if (syscall(SYS_pidfd_send_signal, state_->pidfd.get(), signal, nullptr, 0) != 0) {
    if (errno == ESRCH) {
      return failure(ErrorCode::not_found, "the process has ended");
    }
    return tl::unexpected<Error>(system_error(errno, "send a signal"));
  }
  return {};
}

std::vector<pid_t> Child::tree() const {
  ProcessTree tree(ProcessTree::Scope::tree);
  tree.refresh(state_->root(), 0);
  return tree.pids();
}

void Child::kill_tree(TreeKill how, std::function<void(KillStep, const TreeReport&)> step) {
  if (state_->killer && !state_->killer->finished()) {
    state_->killer->shorten(how.grace);
    return;
  }
  state_->killer = std::make_unique<TreeKiller>(
      state_->loop, [state = state_.get()] { return state->root(); }, how, std::move(step));
}

void Child::release() {
  state_->watcher.reset();
  state_->running = false;
  state_->house.abandon(state_->pid, std::move(state_->pidfd));
}

Processes::Processes(Loop& loop) : state_(std::make_unique<State>(loop)) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  signal(SIGPIPE, SIG_IGN);  // a child that has ended does not read its input
}

Processes::~Processes() = default;

Result<std::unique_ptr<Child>> Processes::spawn(Loop& loop,
                                                const SpawnRequest& request,
                                                std::function<void(const ExitStatus&)> on_exit) {
  std::uint64_t mark = 0;
  {
    const bus::Lock lock(state_->mutex);
    ++state_->spawning;
    mark = state_->next_mark++;
  }
  bus::crash_point("edge.spawn.before", request.job);
  auto launched = launch(request, mark);
  bus::crash_point("edge.spawn.after", request.job);
  {
    const bus::Lock lock(state_->mutex);
    --state_->spawning;
    if (launched) {
      state_->children.insert(launched->pid);
    }
  }
  if (!launched) {
    return tl::unexpected<Error>(std::move(launched).error());
  }
  auto state = std::make_unique<Child::State>(*state_, loop, *std::move(launched));
  state->mark = mark;
  state->job = request.job;
  state->on_exit = std::move(on_exit);
  if (request.cgroup >= 0) {
    state->cgroup = Fd(fcntl(request.cgroup, F_DUPFD_CLOEXEC, 3));
  }
  state->watcher =
      std::make_unique<FdWatcher>(loop, state->pidfd.get(), [raw = state.get()] { raw->look(); });
  if (auto watched = state->watcher->start(Ready::readable); !watched) {
    return tl::unexpected<Error>(std::move(watched).error());
  }
  return std::unique_ptr<Child>(new Child(std::move(state)));
}

}  // namespace steward::runtime
