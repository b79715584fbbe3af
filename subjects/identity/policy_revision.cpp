#include "subjects/identity/policy_revision.hpp"

#include "subjects/identity/key_ids.hpp"
#include "subjects/identity/policy.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace steward::identity {
namespace {

using RevisionBody = nlohmann::ordered_json;

// What each next version has.
Result<RevisionBody> next_of(const Policy& policy, std::string_view body, wire::Timestamp now) {
  if (policy.expires() <= now) {
    return failure(ErrorCode::expired,
                   "the policy has expired at " + wire::format_time(policy.expires()));
  }
  auto next = RevisionBody::parse(body, nullptr, false);
  next["version"] = policy.version() + 1;
  next["issued"] = wire::format_time(std::max(now, policy.issued()));
  return next;
}

Result<std::string> text_of(const RevisionBody& next) {
  auto text = next.dump(2) + "\n";
  STEWARD_TRY([[maybe_unused]] const auto readable, Policy::parse(text));
  return text;
}

}  // namespace

Result<std::string> with_denied_keys(std::string_view body,
                                     const std::vector<std::string>& key_ids,
                                     wire::Timestamp now) {
  STEWARD_TRY(const auto policy, Policy::parse(body));
  STEWARD_TRY(auto next, next_of(policy, body, now));
  auto denied = policy.denied_keys();
  denied.insert(key_ids.begin(), key_ids.end());
  next["deny"] = key_id_items(denied);
  return text_of(next);
}

Result<std::string> with_roots(std::string_view body,
                               const std::vector<Certificate>& roots,
                               wire::Timestamp now) {
  STEWARD_TRY(const auto policy, Policy::parse(body));
  STEWARD_TRY(auto next, next_of(policy, body, now));
  auto texts = RevisionBody::array();
  for (const auto& root : roots) {
    STEWARD_TRY(auto pem, root.pem());
    texts.push_back(std::move(pem));
  }
  next["roots"] = std::move(texts);
  return text_of(next);
}

Result<std::string> with_operator(std::string_view body,
                                  const std::string& id,
                                  const PublicKey& key,
                                  const std::vector<std::string>& roles,
                                  wire::Timestamp now) {
  STEWARD_TRY(const auto policy, Policy::parse(body));
  if (policy.denied_keys().contains(key.id())) {
    return failure(ErrorCode::denied, id + " was revoked: names are not used again");
  }
  for (const auto& signer : policy.signers()) {
    const bool same_name = signer.source.str() == "/operator/" + id;
    if (same_name != (signer.key == key)) {
      return failure(ErrorCode::conflict,
                     same_name ? "the policy has another key of " + id
                               : "that key is the one of " + signer.source.str());
    }
    if (same_name && signer.roles == roles) {
      return std::string(body);
    }
  }
  STEWARD_TRY(auto next, next_of(policy, body, now));
  auto& operators = next["operators"];
  const auto known = std::find_if(operators.begin(), operators.end(), [&id](const auto& one) {
    return one.value("id", "") == id;
  });
  if (known != operators.end()) {
    (*known)["roles"] = roles;
  } else {
    operators.push_back({{"id", id}, {"key", key.text()}, {"roles", roles}});
  }
  return text_of(next);
}

}  // namespace steward::identity
