#pragma once

#include "handlers/daemon/probe.hpp"
#include "subjects/wire/daemon.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::daemon {

// The checks of one run of a daemon, from its readiness on. Each goes by its own clock, and has one
// attempt at a time. On its loop's thread.
class Health {
 public:
  struct Listener {
    std::function<void(const std::string& why)> failed;  // a check that restarts: once
    // One that only tells; empty: all of those are well again. May be called again and again.
    std::function<void(const std::string& why)> changed;
  };

  Health(runtime::Context& context,
         const std::vector<wire::DaemonCheck>& checks,
         Listener listener);
  ~Health();
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  // The daemon has said WATCHDOG=1.
  void fed();

  // It has said WATCHDOG=trigger: it is not well.
  void triggered();

 private:
  struct Check;

  void judge(Check& check, const Result<void>& result);
  void tell();

  runtime::Context& context_;
  const Listener listener_;
  std::vector<std::unique_ptr<Check>> checks_;
};

// The longest silence of a watchdog among its checks; none: it has none.
std::optional<std::chrono::milliseconds> watchdog_of(const wire::DaemonSpec& spec);

}  // namespace steward::handlers::daemon
