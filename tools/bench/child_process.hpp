#pragma once

#include "subjects/wire/error.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace steward::bench {

// A program that runs beside the benchmark, its output in a log file. It is ended with its object,
// and by the kernel when the benchmark itself is killed.
class ChildProcess {
 public:
  // `environment` is added to ours ("NAME=value"). Errors: not_found, io.
  [[nodiscard]] static Result<std::unique_ptr<ChildProcess>> start(
      const std::vector<std::string>& argv,
      const std::vector<std::string>& environment,
      const std::filesystem::path& log);

  // SIGTERM, and SIGKILL to what is still there after 5 s.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  bool is_running();

  // Waits for its end. Errors: internal (it did not exit with 0; its words are in the log).
  [[nodiscard]] Result<void> finish();

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}

  bool wait(std::chrono::milliseconds timeout);

  pid_t pid_;
  bool ended_ = false;
};

}  // namespace steward::bench
