#include "subjects/identity/policy_revision.hpp"

#include "subjects/identity/policy.hpp"

#include <nlohmann/json.hpp>

namespace steward::identity {

Result<std::string> with_denied_keys(std::string_view body,
                                     const std::vector<std::string>& key_ids,
                                     wire::Timestamp now) {
  STEWARD_TRY(const auto policy, Policy::parse(body));
  if (policy.expires() <= now) {
    return failure(ErrorCode::expired,
                   "the policy has expired at " + wire::format_time(policy.expires()));
  }
  auto denied = policy.denied_keys();
  denied.insert(key_ids.begin(), key_ids.end());
  auto next = nlohmann::ordered_json::parse(body, nullptr, false);
  next["version"] = policy.version() + 1;
  next["issued"] = wire::format_time(std::max(now, policy.issued()));
  next["deny"] = denied;
  auto text = next.dump(2) + "\n";
  STEWARD_TRY([[maybe_unused]] const auto readable, Policy::parse(text));
  return text;
}

}  // namespace steward::identity
