#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/processes.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace steward::runtime {

// A process that is to outlive this program, with a shim for its parent (edge/shim).
struct ShimRequest {
  // Its streams are the shim's: in, out, err, terminal, cgroup and death signal do not count. Its
  // `job` must be the run's own.
  SpawnRequest process;
  std::filesystem::path folder;          // of the run, made by start(); its output stays there
  std::string input_file;                // empty: /dev/null
  bool merge = false;                    // both outputs into stream 1
  bool notify = false;                   // with a NOTIFY_SOCKET
  int ready_fd = -1;                     // 3 or more: a line on it says that it is ready
  std::int64_t segment_bytes = 1 << 20;  // of one file of output
  std::int64_t keep_bytes = 16 << 20;    // of all files of one stream
  std::string cgroup;                    // directory of a cgroup to be born in; empty: ours
};

// How the process ended.
struct ShimEnd {
  ExitStatus status;
  wire::Timestamp at;
};

// The connection to one shim: what its process does, and what is asked of it. All on its loop's
// thread. Destroying it lets the process run on.
class Shim {
 public:
  // Called from the loop, never from within a call; each may destroy the Shim, except `output`.
  struct Listener {
    std::function<void(pid_t)> started;
    std::function<void(const Error&)> failed;  // it was never executed
    std::function<void()> ready;
    std::function<void(std::string_view)> notified;  // a line of sd_notify: "STATUS=...";
    std::function<void(int, std::uint64_t)> output;  // a stream's total; at most 10 times a second
    std::function<void(const ShimEnd&)> exited;
    std::function<void()> gone;  // behind `exited`: nothing of its tree is left
    // The shim was killed: what its process did is not known, what is left of its tree has no
    // keeper any more (kill_tree ends it).
    std::function<void()> lost;
  };

  // `program`: of the shim. Errors: exec_failed (the shim), limits_unavailable, io, no_space.
  [[nodiscard]] static Result<std::unique_ptr<Shim>> start(Loop& loop,
                                                           Processes& processes,
                                                           const std::string& program,
                                                           const ShimRequest& request,
                                                           Listener listener);

  // Finds again what was started in that folder, by this program or one before it: it runs, has
  // ended, or is lost; the listener hears. `job`: of the run.
  static std::unique_ptr<Shim> adopt(Loop& loop,
                                     std::filesystem::path folder,
                                     std::string job,
                                     Listener listener);

  ~Shim();
  Shim(const Shim&) = delete;
  Shim& operator=(const Shim&) = delete;

  // Of the process; 0 until it has started.
  pid_t pid() const;

  // Errors: not_found (it has ended, or has not started).
  [[nodiscard]] Result<void> signal(int signal) const;

  // Every living process of the tree.
  std::vector<pid_t> tree() const;

  // As Child::kill_tree.
  void kill_tree(TreeKill how, std::function<void(KillStep, const TreeReport&)> step);

  struct State;

 private:
  explicit Shim(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// When a run in that folder has started; none: it never has. Any thread, as the two below.
std::optional<wire::Timestamp> shim_started(const std::filesystem::path& folder);

// Whether how it ended is written there.
bool shim_has_ended(const std::filesystem::path& folder);

// Forgets both; its output stays.
void forget_shim_end(const std::filesystem::path& folder);

// Where the shim lies that belongs to this program: beside it, or in its libexec folder.
std::string shim_program();

}  // namespace steward::runtime
