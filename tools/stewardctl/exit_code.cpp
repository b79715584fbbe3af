#include "tools/stewardctl/exit_code.hpp"

#include <algorithm>

namespace steward::ctl {

Exit exit_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::unavailable:
      return Exit::no_bus;
    case ErrorCode::timed_out:
      return Exit::no_answer;
    case ErrorCode::not_found:
      return Exit::no_match;
    case ErrorCode::denied:
    case ErrorCode::not_signed:
    case ErrorCode::bad_signature:
    case ErrorCode::unknown_signer:
      return Exit::denied;
    default:
      return Exit::usage;
  }
}

Outcome outcome_of(wire::CommandState state, std::string_view code) {
  if (!wire::is_terminal(state)) {
    return Outcome::pending;
  }
  if (state == wire::CommandState::done) {
    return Outcome::ok;
  }
  const auto known = parse_error_code(code);
  const bool by_policy = known && exit_of(Error{*known, ""}) == Exit::denied;
  return state == wire::CommandState::refused && by_policy ? Outcome::denied : Outcome::failed;
}

Exit exit_of(const std::vector<Outcome>& outcomes) {
  const auto any = [&outcomes](Outcome outcome) {
    return std::find(outcomes.begin(), outcomes.end(), outcome) != outcomes.end();
  };
  if (any(Outcome::pending)) {
    return Exit::no_answer;
  }
  if (any(Outcome::denied)) {
    return Exit::denied;
  }
  return any(Outcome::failed) ? Exit::failed : Exit::ok;
}

}  // namespace steward::ctl
