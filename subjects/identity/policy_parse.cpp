#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"
#include "subjects/identity/key_ids.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/signed_document.hpp"
#include "subjects/identity/trust.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace steward::identity {
namespace {

using wire::Fields;

constexpr std::int64_t kLastVersion = 9'007'199'254'740'991;  // what every JSON reader can hold

// A value of the file that has a parser of its own; its error becomes the reader's.
template <class T>
std::optional<T> taken(Fields& fields, std::string_view name, Result<T> parsed) {
  if (!parsed) {
    fields.fail(ErrorCode::bad_payload, name, parsed.error().message);
    return std::nullopt;
  }
  return *std::move(parsed);
}

std::optional<wire::Timestamp> time_in(Fields& fields, std::string_view name) {
  const auto text = fields.required_text(name);
  return text.empty() ? std::nullopt : taken(fields, name, wire::parse_time(text));
}

// Calls read on each object of a list, and refuses a field that it has not read: it may forbid
// something.
template <class Read>
void each(Fields& fields, const char* name, Read read) {
  for (const auto& text : fields.raws(name)) {
    const auto object = wire::parse_json(text);
    if (!object || !object->is_object()) {
      fields.fail(ErrorCode::bad_payload, name, "each item must be an object");
      return;
    }
    Fields item(*object, std::string(name) + ".");
    read(item);
    const auto unknown = item.finish();
    if (!unknown) {
      fields.fail(unknown.error().code, name, unknown.error().message);
    } else if (!unknown->empty()) {
      fields.fail(ErrorCode::unsupported, name, "a field that is not known: " + unknown->front());
    }
  }
}

bool is_token(const std::string& text) {
  return text == "*" || wire::Token::parse(text).has_value();
}

}  // namespace

// Reads the parts of one policy in their order; rules need the roles and groups that stand
// elsewhere.
class PolicyReader {
 public:
  static void signer(Policy& policy,
                     const std::set<std::string>& roles,
                     const std::string& prefix,
                     std::string_view id_name,
                     Fields& fields) {
    const auto source =
        taken(fields, id_name, wire::Source::parse(prefix + fields.required_text(id_name)));
    const auto key = taken(fields, "key", PublicKey::parse(fields.required_text("key")));
    auto own = fields.texts("roles");
    for (const auto& role : own) {
      if (roles.count(role) == 0) {
        fields.fail(ErrorCode::bad_payload, "roles", "it is not among the policy's roles");
      }
    }
    const auto expires = fields.has("expires") ? time_in(fields, "expires") : std::nullopt;
    if (!source || !key) {
      return;
    }
    for (const auto& other : policy.signers_) {
      if (other.source == *source || other.key == *key) {
        fields.fail(ErrorCode::bad_payload, id_name, "the same name or key is there twice");
      }
    }
    policy.signers_.push_back({*source, *key, key->id(), std::move(own), expires});
  }

  static void group(std::map<std::string, std::vector<wire::Target>>& groups, Fields& fields) {
    const auto name = fields.required_text("name");
    std::vector<wire::Target> nodes;
    for (const auto& written : fields.texts("nodes")) {
      if (auto target = taken(fields, "nodes", wire::Target::parse(written))) {
        nodes.push_back(*std::move(target));
      }
    }
    if (!groups.emplace(name, std::move(nodes)).second) {
      fields.fail(ErrorCode::bad_payload, "name", "the group is there twice");
    }
  }

  static void rule(Policy& policy,
                   const std::set<std::string>& roles,
                   const std::map<std::string, std::vector<wire::Target>>& groups,
                   Fields& fields) {
    Rule rule;
    rule.id = fields.required_text("id");
    rule.role = fields.required_text("role");
    rule.method = fields.required_text("method");
    rule.domain = fields.required_text("domain");
    if (roles.count(rule.role) == 0) {
      fields.fail(ErrorCode::bad_payload, "role", "it is not among the policy's roles");
    }
    if (!is_token(rule.method) || !is_token(rule.domain)) {
      fields.fail(ErrorCode::bad_payload, "method", "method and domain are tokens, or '*'");
    }
    for (const auto& written : fields.texts("nodes")) {
      if (written.starts_with('@')) {
        const auto group = groups.find(written.substr(1));
        if (group == groups.end()) {
          fields.fail(ErrorCode::bad_payload, "nodes", "there is no such group");
          continue;
        }
        rule.nodes.insert(rule.nodes.end(), group->second.begin(), group->second.end());
      } else if (auto target = taken(fields, "nodes", wire::Target::parse(written))) {
        rule.nodes.push_back(*std::move(target));
      }
    }
    if (rule.nodes.empty()) {
      fields.fail(ErrorCode::bad_payload, "nodes", "name a unit, a group, or '*'");
    }
    if (fields.has("args")) {
      auto arguments = ArgumentRule::parse(fields.raw("args"));
      if (arguments) {
        rule.arguments = *std::move(arguments);
      } else {
        fields.fail(arguments.error().code, "args", arguments.error().message);
      }
    }
    if (fields.has("max_ttl_ms")) {
      rule.longest_life =
          fields.milliseconds("max_ttl_ms", {}, std::chrono::milliseconds(1), wire::kLongestExpiry);
    }
    policy.rules_.push_back(std::move(rule));
  }

  // Each a certificate, that of a root, and once.
  static void read_roots(Policy& policy, Fields& fields) {
    const auto texts = fields.texts("roots");
    if (texts.size() > kMostRoots) {
      fields.fail(ErrorCode::bad_payload, "roots", "more than 4");
      return;
    }
    for (const auto& text : texts) {
      auto read = taken(fields, "roots", Certificate::parse_pem(text, 1));
      if (!read) {
        return;
      }
      auto& root = read->front();
      if (auto good = verify_root(root, policy.issued_); !good) {
        fields.fail(ErrorCode::bad_payload, "roots", good.error().message);
      } else if (std::find(policy.roots_.begin(), policy.roots_.end(), root) !=
                 policy.roots_.end()) {
        fields.fail(ErrorCode::bad_payload, "roots", "one is named twice");
      }
      policy.roots_.push_back(std::move(root));
    }
  }

  static Result<Policy> read(const nlohmann::json& object, std::string_view body) {
    Fields fields(object);
    const auto cluster =
        taken(fields, "cluster", ClusterName::parse(fields.required_text("cluster")));
    const auto version = fields.optional_integer("version", 1, kLastVersion);
    const auto issued = time_in(fields, "issued");
    const auto expires = time_in(fields, "expires");
    if (!version || (issued && expires && *expires <= *issued)) {
      fields.fail(ErrorCode::bad_payload, "version", "a version from 1, and issued before expires");
    }
    if (!cluster || !issued || !expires) {
      fields.fail(ErrorCode::bad_payload, "cluster", "cluster, issued and expires are needed");
      return tl::unexpected<Error>(fields.finish().error());
    }
    Policy policy(*cluster, *issued, *expires);
    policy.version_ = static_cast<std::uint64_t>(version.value_or(0));
    policy.digest_ = hex(sha256(body));
    const auto role_list = fields.texts("roles");
    const std::set<std::string> roles(role_list.begin(), role_list.end());
    std::map<std::string, std::vector<wire::Target>> groups;
    each(fields, "groups", [&](Fields& item) { group(groups, item); });
    each(fields, "operators", [&](Fields& item) {
      signer(policy, roles, "/operator/", "id", item);
    });
    each(fields, "stations", [&](Fields& item) { signer(policy, roles, "/", "name", item); });
    each(fields, "rules", [&](Fields& item) { rule(policy, roles, groups, item); });
    for (const auto& item : fields.texts("deny")) {
      if (auto added = add_key_ids(item, policy.denied_); !added) {
        fields.fail(ErrorCode::bad_payload, "deny", added.error().message);
      }
    }
    for (const auto& method : fields.texts("after_expiry")) {
      if (!wire::Token::parse(method)) {
        fields.fail(ErrorCode::bad_payload, "after_expiry", "each item is a method");
      }
      policy.after_expiry_.insert(method);
    }
    read_roots(policy, fields);
    STEWARD_TRY(const auto unknown, fields.finish());
    if (!unknown.empty()) {
      return failure(ErrorCode::unsupported,
                     "the policy has a field that is not known: " + unknown[0]);
    }
    return policy;
  }
};

Policy::Policy(ClusterName cluster, wire::Timestamp issued, wire::Timestamp expires)
    : cluster_(std::move(cluster)), issued_(issued), expires_(expires) {}

Result<Policy> Policy::parse(std::string_view body) {
  if (body.size() > kLargestPolicy) {
    return failure(ErrorCode::bad_payload, "a policy is larger than 512 KiB");
  }
  auto object = wire::parse_json(body);
  if (!object || !object->is_object()) {
    return failure(ErrorCode::bad_payload,
                   "policy: " + (object ? std::string("not an object") : object.error().message));
  }
  auto policy = PolicyReader::read(*object, body);
  if (!policy) {
    return tl::unexpected<Error>(std::move(policy).error().with_context("policy"));
  }
  return policy;
}

std::vector<PublicKey> Policy::believed_roots() const {
  std::vector<PublicKey> believed;
  if (!signed_by_) {
    return believed;
  }
  believed.push_back(*signed_by_);
  for (const auto& root : roots_) {
    if (std::find(believed.begin(), believed.end(), root.public_key()) == believed.end()) {
      believed.push_back(root.public_key());
    }
  }
  return believed;
}

Result<Policy> open_policy(std::string_view document,
                           const std::vector<PublicKey>& roots,
                           const ClusterName& cluster) {
  STEWARD_TRY(const auto body, open_document(Purpose::policy, document, roots));
  STEWARD_TRY(auto policy, Policy::parse(body));
  if (policy.cluster() != cluster) {
    return failure(ErrorCode::denied, "the policy is for the cluster " + policy.cluster().str());
  }
  const auto id = signer_of(document);
  const auto signer = std::find_if(
      roots.begin(), roots.end(), [id](const PublicKey& root) { return root.id() == id; });
  policy.signed_by_ = *signer;  // it was opened by one of them
  return policy;
}

Result<Policy> accept_policy(std::string_view document,
                             const std::vector<PublicKey>& roots,
                             const ClusterName& cluster,
                             const Policy* present,
                             wire::Timestamp now) {
  STEWARD_TRY(auto policy, open_policy(document, roots, cluster));
  if (policy.expires() <= now && !policy.is_overlap()) {
    return failure(ErrorCode::expired,
                   "the policy has expired at " + wire::format_time(policy.expires()));
  }
  if (present != nullptr && policy.version() < present->version()) {
    return failure(ErrorCode::denied,
                   "the policy's version " + std::to_string(policy.version()) +
                       " is older than the present one, " + std::to_string(present->version()));
  }
  if (present != nullptr && policy.version() == present->version() &&
      policy.digest() != present->digest()) {
    return failure(
        ErrorCode::conflict,
        "another policy has the version " + std::to_string(policy.version()) + " already");
  }
  return policy;
}

}  // namespace steward::identity
