#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/processes.hpp"
#include "subjects/wire/error.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace steward::handlers::facts {

// One run of a program that says facts: its output, its end, its time. On the loop's thread.
class FactProgram {
 public:
  // Called once, not from inside start(), with the output, or: timed_out, exec_failed, too_large,
  // bad_payload (its exit status is not 0). What it has started is killed then.
  using Done = std::function<void(Result<std::string> output)>;

  FactProgram(runtime::Loop& loop, std::size_t most_bytes, Done done);
  ~FactProgram();
  FactProgram(const FactProgram&) = delete;
  FactProgram& operator=(const FactProgram&) = delete;

  // Errors: exec_failed, io: `done` is not called then.
  [[nodiscard]] Result<void> start(runtime::Processes& processes,
                                   const std::string& program,
                                   std::chrono::milliseconds timeout);

 private:
  void readable();
  void exited(const runtime::ExitStatus& status);
  void finish();
  void end(Result<std::string> result);

  runtime::Loop& loop_;
  const std::size_t most_;
  Done done_;
  runtime::Fd out_;
  std::unique_ptr<runtime::FdWatcher> watcher_;  // gone before the descriptor is closed
  std::unique_ptr<runtime::Child> child_;
  runtime::Timer timeout_;
  std::string output_;
  bool closed_ = false;
  bool has_ended_ = false;
  runtime::ExitStatus status_;
};

}  // namespace steward::handlers::facts
