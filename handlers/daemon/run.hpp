#pragma once

#include "subjects/wire/daemon.hpp"
#include "subjects/wire/error.hpp"

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace steward::handlers::daemon {

// One run of a daemon, from its start (or its adoption) until nothing of it is left: below a shim
// of ours or as a unit of systemd. Destroying it lets the daemon run on.
class Run {
 public:
  struct Listener {
    std::function<void(pid_t)> started;  // it executes, or is found running
    std::function<void()> ready;
    std::function<void(std::string_view)> notified;  // a line of sd_notify: "STATUS=..."
    // How it ended: by itself or not, or was never executed (`error`). `gone` or `again` follows.
    std::function<void(const wire::DaemonExit&, const std::optional<Error>& error)> ended;
    std::function<void()> gone;
    std::function<void()> again;  // systemd starts it once more by itself; `started` follows
    // Nothing is heard of it until `started` or `ended`; it may run.
    std::function<void(const std::string& why)> unsure;
  };

  virtual ~Run() = default;

  // Errors are told by the listener, as an end. Once.
  virtual void start() = 0;

  // Takes up what an earlier agent has started; one that never was is gone at once.
  virtual void adopt() = 0;

  // Errors: not_found (it does not run).
  [[nodiscard]] virtual Result<void> signal(int signal) = 0;

  // Its stop signal to the whole tree, KILL after its grace.
  virtual void end() = 0;

  virtual pid_t pid() const = 0;

  virtual bool ending() const = 0;

  // To be called, also without the run, once its end is surely told: the next agent does not tell
  // it again.
  virtual std::function<void()> told() const = 0;
};

}  // namespace steward::handlers::daemon
