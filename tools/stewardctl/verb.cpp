#include "tools/stewardctl/verb.hpp"

namespace steward::ctl {

Result<Settings> Invocation::settings() const {
  const auto demo = find_demo(environment);
  return resolve_settings(flags, environment, contexts, demo);
}

Result<std::unique_ptr<Session>> Invocation::session() const {
  STEWARD_TRY(const auto resolved, settings());
  console.detail("broker " + resolved.connection.url + " (" + resolved.origin + "), station " +
                 resolved.station);
  return Session::open(resolved);
}

Result<std::unique_ptr<Session>> Invocation::session(std::chrono::milliseconds usual) const {
  STEWARD_TRY(auto resolved, settings());
  if (!resolved.timeout_given) {
    resolved.timeout = usual;
  }
  return Session::open(resolved);
}

}  // namespace steward::ctl
