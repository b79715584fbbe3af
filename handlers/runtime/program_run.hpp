#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/processes.hpp"
#include "subjects/wire/error.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace steward::runtime {

// One run of a program of the machine's owner: its output, its end, its time. Whatever it has
// started is killed with its end. On the loop's thread.
class ProgramRun {
 public:
  struct Request {
    std::vector<std::string> argv;
    std::vector<std::string> env;  // "NAME=value", beside a small environment of its own
    std::chrono::milliseconds timeout{30'000};
    std::size_t most_bytes = 64 * 1024;  // of output
  };

  struct End {
    std::string output;
    ExitStatus status;
  };

  // Called once, when nothing is left of what it has started; not from inside start(). Errors:
  // timed_out, too_large (says more than it may).
  using Done = std::function<void(Result<End>)>;

  ProgramRun(Loop& loop, Request request, Done done);
  ~ProgramRun();
  ProgramRun(const ProgramRun&) = delete;
  ProgramRun& operator=(const ProgramRun&) = delete;

  // Errors: exec_failed, io: `done` is not called then.
  [[nodiscard]] Result<void> start(Processes& processes);

 private:
  void readable();
  void exited(const ExitStatus& status);
  void finish();
  void end(Result<End> result);

  Loop& loop_;
  const Request request_;
  Done done_;
  Fd out_;
  std::unique_ptr<FdWatcher> watcher_;  // gone before the descriptor is closed
  std::unique_ptr<Child> child_;
  Timer timeout_;
  std::string output_;
  bool closed_ = false;
  bool has_ended_ = false;
  ExitStatus status_;
  Result<End> result_;
};

// "exit status 3", "signal 9"
std::string shown(const ExitStatus& status);

}  // namespace steward::runtime
