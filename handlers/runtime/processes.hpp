#pragma once

#include "handlers/runtime/loop.hpp"
#include "subjects/wire/error.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::runtime {

// As whom a child runs.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary ones, all of them

  bool operator==(const Identity&) const = default;
};

// Soft and hard limit alike. `resource` is an RLIMIT_ constant.
struct ResourceLimit {
  int resource = 0;
  std::uint64_t value = 0;
};

enum class ControllingTerminal { none, standard_input };

// What to start, and how. Descriptors are borrowed for the call; -1 stands for /dev/null. A child
// is always the leader of a session of its own, with default signal dispositions, no blocked
// signals, and no descriptor but its three.
struct SpawnRequest {
  std::vector<std::string> argv;  // argv[0] without '/' is looked for in the PATH of `env`
  std::vector<std::string> env;   // "NAME=value": the whole of it
  std::string cwd = "/";          // entered as the child's own user
  std::optional<Identity> identity;
  std::optional<mode_t> umask;
  int in = -1;
  int out = -1;
  int err = -1;
  ControllingTerminal terminal = ControllingTerminal::none;
  std::vector<ResourceLimit> limits;
  std::optional<int> nice;
  // Sent to the child when the THREAD that spawned it ends (also when its process does); 0: none.
  int parent_death_signal = 0;
  int cgroup = -1;  // a directory of cgroup v2 to be born in; -1: our own
  // Value of STEWARD_JOB in `env`, by which processes of its tree are known; may be empty.
  std::string job;
};

// How a child ended, and what it used.
struct ExitStatus {
  std::optional<int> code;  // none: ended by `signal`
  int signal = 0;
  bool core_dumped = false;
  std::chrono::microseconds user_time{0};
  std::chrono::microseconds system_time{0};
  std::int64_t max_rss_bytes = 0;
};

// What became of a tree. Counts the child itself and all that it has left.
struct TreeReport {
  int killed = 0;            // were there when the killing began (or came later), and are gone
  std::vector<pid_t> alive;  // are there still
};

enum class KillStep {
  term_sent,
  kill_sent,
  gone,       // nothing of the tree is left
  unkillable  // something was still there `patience` after KILL (disk sleep)
};

// TERM (or `signal`) to all of a tree, KILL to what is there after `grace` (0: KILL at once).
struct TreeKill {
  std::chrono::milliseconds grace{5'000};
  std::chrono::milliseconds patience{1'000};
  int signal = 15;  // SIGTERM
  // Gone as soon as the child itself is: the rest of the tree is let alone.
  enum class Scope { tree, child_only } scope = Scope::tree;
};

class Processes;

// A process that we have started. Belongs to the loop that it was spawned on: all of it on that
// thread. Signals go through a pidfd: never to a stranger who got the same pid.
class Child {
 public:
  // A child that still runs is killed (it alone), and reaped by Processes.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const;

  // Until on_exit has been called.
  bool running() const;

  // Errors: not_found (it has ended), permission.
  [[nodiscard]] Result<void> signal(int signal) const;

  // Every living process of its tree: descendants, and orphans of it that we have adopted (known by
  // a mark that outlives setsid, double forks and an emptied environment). Works after its end.
  std::vector<pid_t> tree() const;

  // Ends the tree. `step` is called for term_sent and kill_sent as they happen, and last for `gone`
  // or `unkillable`; not from inside this call. Works after the child's own end. A second call
  // while one is under way replaces its grace if that makes it shorter; its `step` is dropped.
  void kill_tree(TreeKill how, std::function<void(KillStep, const TreeReport&)> step);

  // Lets it go: it runs on without us, and is reaped when it ends. Nothing may be asked afterwards.
  void release();

  struct State;

 private:
  friend class Processes;
  explicit Child(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Starts, watches and reaps processes; one for a program, made and destroyed by main on its loop,
// and outliving every Child. The program becomes the adopter (subreaper) of its descendants'
// orphans, which it reaps: every child that was not spawned here counts as one. It ignores SIGPIPE
// from then on. Needs /proc with the `children` files (CONFIG_PROC_CHILDREN).
class Processes {
 public:
  explicit Processes(Loop& loop);
  ~Processes();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  // Any loop's thread: starts a program and returns once it has been executed (exec has succeeded),
  // which a dead network mount below its path or cwd can delay. `on_exit` is called on that loop,
  // never from inside this call; it may destroy the Child. The output may still be open then.
  // Errors: exec_failed (the message says which step failed and why: "execute /x: No such file or
  // directory (ENOENT)"), limits_unavailable (a limit or nice was refused).
  [[nodiscard]] Result<std::unique_ptr<Child>> spawn(
      Loop& loop, const SpawnRequest& request, std::function<void(const ExitStatus&)> on_exit);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace steward::runtime
