#include "tools/stewardctl/fingerprint_check.hpp"

#include <fmt/format.h>

namespace steward::ctl {

Result<void> check_fingerprint(Invocation& invocation,
                               const std::string& unit,
                               const std::string& fingerprint,
                               const std::string& given) {
  if (!given.empty()) {
    return given == fingerprint ? Result<void>()
                                : failure(ErrorCode::denied,
                                          "the request of " + unit + " has the fingerprint " +
                                              fingerprint + ": it is not the one you mean");
  }
  if (invocation.asking == Asking::answered_yes) {
    return {};
  }
  if (invocation.asking == Asking::never || !invocation.console.look().in_is_terminal) {
    return failure(ErrorCode::bad_config,
                   unit + " has the fingerprint " + fingerprint +
                       ", and nobody is here to compare it: write --fingerprint or --yes");
  }
  return invocation.console.confirmed(
             fmt::format("{} shows the fingerprint {}?", unit, fingerprint))
             ? Result<void>()
             : failure(ErrorCode::denied, "not confirmed: " + unit + " was not let in");
}

}  // namespace steward::ctl
