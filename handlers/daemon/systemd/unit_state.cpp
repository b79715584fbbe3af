#include "handlers/daemon/systemd/unit_state.hpp"

#include <nlohmann/json.hpp>

namespace steward::handlers::daemon {
namespace {

using nlohmann::json;

void take(const json& properties, const char* name, std::string& value) {
  if (const auto found = properties.find(name); found != properties.end() && found->is_string()) {
    value = *found;
  }
}

void take(const json& properties, const char* name, std::int64_t& value) {
  if (const auto found = properties.find(name); found != properties.end() && found->is_number()) {
    value = *found;
  }
}

}  // namespace

void take(UnitState& state, const json& properties) {
  if (!properties.is_object()) {
    return;
  }
  take(properties, "LoadState", state.load);
  take(properties, "ActiveState", state.active);
  take(properties, "SubState", state.sub);
  take(properties, "Result", state.result);
  take(properties, "StatusText", state.status);
  take(properties, "MainPID", state.main_pid);
  take(properties, "NRestarts", state.restarts);
  take(properties, "ExecMainCode", state.exit_code);
  take(properties, "ExecMainStatus", state.exit_status);
  take(properties, "ExecMainStartTimestamp", state.started_us);
  take(properties, "ExecMainExitTimestamp", state.ended_us);
}

}  // namespace steward::handlers::daemon
