// Commands that are answered when their daemons have come to where they are wanted.

#include "handlers/daemon/daemons.hpp"
#include "handlers/runtime/answer.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::handlers::daemon {

void Daemons::fail(const wire::MessageId& id, const Error& error) {
  runtime::answer(context_, id, tl::unexpected<Error>(error));
}

void Daemons::finish(const Waiting& waiting, const Result<std::string>& result) {
  if (waiting.id) {
    runtime::answer(context_, *waiting.id, result);
  } else if (!result) {
    context_.log.warning(waiting.name + ": " + result.error().message);
  }
}

// Its row, or the rows of its replicas.
std::string Daemons::result_of(const Waiting& waiting) const {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& name : waiting.daemons) {
    rows.push_back(nlohmann::json::parse(wire::encode(find(name)->row())));
  }
  const bool is_one = waiting.daemons.size() == 1 && waiting.daemons.front() == waiting.name;
  nlohmann::json out = {{"name", waiting.name}, {"replicas", rows}};
  if (is_one) {
    out = std::move(rows.front());
  }
  if (!waiting.changed.empty()) {
    out["changed"] = waiting.changed;
  }
  return wire::dump_json(out);
}

// Errors: why it is not, and will not be for now.
Result<bool> Daemons::is_up(const Daemon& daemon, bool applied) {
  if (!daemon.record().wanted) {
    return failure(ErrorCode::conflict, "another command wants it down");
  }
  if (daemon.went_back() && applied) {
    const auto why = daemon.row().last_exit ? daemon.row().last_exit->last_log : "";
    return failure(
        ErrorCode::exec_failed,
        "it did not come up and went back to what it was" + (why.empty() ? "" : ": " + why));
  }
  const bool ended_well = daemon.state() == wire::DaemonState::stopped && daemon.down() &&
                          daemon.failures() == 0 && daemon.row().last_exit;
  if (daemon.came_up() || ended_well) {
    return true;
  }
  if (daemon.lacks_another()) {
    return failure(ErrorCode::unavailable, daemon.reason() + "; it starts when that does");
  }
  if (daemon.failures() > 0) {
    return failure(ErrorCode::exec_failed, daemon.failure_reason());
  }
  return false;
}

Result<bool> Daemons::has_come(const Waiting& waiting, const std::string& name) const {
  const auto* daemon = find(name);
  if (daemon == nullptr) {
    return failure(ErrorCode::not_found, "it was removed meanwhile");
  }
  if (waiting.what == Waiting::For::up) {
    return is_up(*daemon, !waiting.changed.empty());
  }
  if (daemon->record().wanted) {
    return failure(ErrorCode::conflict, "another command wants it up");
  }
  return daemon->down();
}

// True: it has been answered.
bool Daemons::settle(const Waiting& waiting) {
  bool all = true;
  for (const auto& name : waiting.daemons) {
    const auto come = has_come(waiting, name);
    if (!come) {
      const auto whose = name == waiting.name ? "" : name + ": ";
      finish(waiting, failure(come.error().code, whose + come.error().message));
      return true;
    }
    all = all && *come;
  }
  if (!all) {
    return false;
  }
  const auto result = result_of(waiting);
  if (waiting.what == Waiting::For::removed) {
    for (const auto& name : waiting.daemons) {
      remove(name);
    }
  }
  finish(waiting, result);
  return true;
}

}  // namespace steward::handlers::daemon
