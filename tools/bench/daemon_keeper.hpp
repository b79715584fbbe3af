#pragma once

#include "tools/bench/child_process.hpp"
#include "tools/bench/operator_link.hpp"
#include "tools/bench/process_figures.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace steward::bench {

// Who keeps daemons running, with a scratch folder of its own. Each daemon appends "PID TIME" to
// starts(name) when it starts (nanoseconds since 1970), and then sleeps.
class DaemonKeeper {
 public:
  virtual ~DaemonKeeper() = default;

  virtual std::string name() const = 0;

  // Makes so many daemons, "d0" and on, run. Returns when each has said its start. Errors:
  // timed_out, io, not_found.
  [[nodiscard]] virtual Result<void> run(std::size_t count) = 0;

  // Of the keeper and what it keeps daemons with, not of the daemons; bytes. Errors: not_found.
  [[nodiscard]] virtual Result<std::int64_t> proportional_memory() const = 0;

  // All gone.
  virtual void end() = 0;
};

// A start that a daemon has told.
struct DaemonStart {
  pid_t pid = 0;
  std::chrono::nanoseconds at{0};  // since 1970
};

std::vector<DaemonStart> starts(const std::filesystem::path& folder, const std::string& name);

// Waits until each of that many daemons has told so many starts. Errors: timed_out.
[[nodiscard]] Result<void> wait_for_starts(const std::filesystem::path& folder,
                                           std::size_t daemons,
                                           std::size_t each);

// Each works in that folder, which outlives it. Null where the program is not installed, or systemd
// does not run this machine.
std::unique_ptr<DaemonKeeper> steward_keeper(OperatorLink& link,
                                             pid_t agent,
                                             std::filesystem::path folder);
std::unique_ptr<DaemonKeeper> runit_keeper(std::filesystem::path folder);
std::unique_ptr<DaemonKeeper> supervisor_keeper(std::filesystem::path folder);
std::unique_ptr<DaemonKeeper> systemd_keeper(std::filesystem::path folder);

}  // namespace steward::bench
