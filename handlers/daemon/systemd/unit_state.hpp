#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>

namespace steward::handlers::daemon {

// A unit as systemd tells it (org.freedesktop.systemd1(5)). Times in microseconds since 1970, 0:
// none.
struct UnitState {
  std::string load;    // "loaded", "not-found", "masked", "error", ...
  std::string active;  // "active", "reloading", "inactive", "failed", "activating", "deactivating"
  std::string sub;     // "running", "auto-restart", "exited", "dead", ...
  std::string result;  // "success", "exit-code", "signal", "watchdog", "oom-kill", ...
  std::string status;  // STATUS= of sd_notify
  std::int64_t main_pid = 0;
  std::int64_t restarts = 0;   // by systemd itself
  std::int64_t exit_code = 0;  // CLD_EXITED, CLD_KILLED or CLD_DUMPED of the main process; 0: none
  std::int64_t exit_status = 0;
  std::int64_t started_us = 0;  // of the main process
  std::int64_t ended_us = 0;

  bool up() const { return (active == "active" && sub != "exited") || active == "reloading"; }

  // Nothing of it runs, and systemd is not about to start it.
  bool down() const {
    return active == "inactive" || active == "failed" || (active == "active" && sub == "exited");
  }

  bool restarts_itself() const { return sub == "auto-restart"; }

  bool operator==(const UnitState&) const = default;
};

// Takes over those properties that are there.
void take(UnitState& state, const nlohmann::json& properties);

}  // namespace steward::handlers::daemon
