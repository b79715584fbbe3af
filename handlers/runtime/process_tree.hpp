#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/processes.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace steward::runtime {

// By what the processes of one child's tree are known. For the sources of this folder.
struct TreeRoot {
  pid_t main = 0;          // the child, while it is not reaped; its session for ever
  bool main_lives = true;  // false: the number may be somebody else's by now
  std::uint64_t mark = 0;  // soft RLIMIT_RTTIME; 0: none
  std::string job;         // STEWARD_JOB in the environment; may be empty
  int cgroup = -1;         // directory of its own cgroup
  std::function<bool(pid_t)> is_child_of_ours;  // started by us, so nobody's orphan
  enum class Where {
    ours,        // `main` is our child: it, what is below it, and orphans that came to us
    below_main,  // `main` keeps the tree of `child` together (a shim): all below it, not itself
    everywhere,  // who kept it together is gone: every process with that job, and all below it
  } where = Where::ours;
  pid_t child = 0;
};

// The living processes of a tree, each held by a pidfd that was checked to be of the tree.
class ProcessTree {
 public:
  enum class Scope { tree, child_only };

  explicit ProcessTree(Scope scope) : scope_(scope) {}

  // Forgets who has ended and looks for new ones; how many were found. Holds at most some hundreds:
  // of those beyond, each is sent `overflow_signal` at once (0: nothing).
  int refresh(const TreeRoot& root, int overflow_signal);

  // Sends a signal to every member that has not had it by this call before.
  void signal_new(int signal);
  void signal_all(int signal);

  std::vector<pid_t> pids() const;

  bool empty() const { return members_.empty(); }

  // How many have been members and have ended.
  int ended() const { return ended_; }

 private:
  struct Member {
    Fd pidfd;
    int last_signal = 0;
  };

  void drop_ended();
  bool admit(pid_t pid, const std::function<bool(pid_t parent)>& belongs, int overflow_signal);
  int walk(pid_t parent, const TreeRoot& root, int overflow_signal);

  Scope scope_;
  std::map<pid_t, Member> members_;
  int ended_ = 0;
};

// The children of all threads of a process.
std::vector<pid_t> children_of(pid_t pid);

// The orphans that this process has adopted, and the children of its first thread.
std::vector<pid_t> children_of_first_thread();

}  // namespace steward::runtime
