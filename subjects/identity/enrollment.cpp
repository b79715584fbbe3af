#include "subjects/identity/enrollment.hpp"

#include "subjects/identity/authority.hpp"
#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"
#include "subjects/identity/signed_document.hpp"
#include "subjects/identity/trust.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::identity {
namespace {

constexpr std::int64_t kForm = 1;
constexpr std::size_t kFingerprintDigits = 32;
constexpr std::size_t kGroup = 4;

// A body of one of the two documents.
struct EnrollmentBody {
  nlohmann::json object;
  NodeIdentity node;
};

Result<EnrollmentBody> read_enrollment(std::string_view document, std::size_t largest) {
  if (document.size() > largest) {
    return failure(ErrorCode::too_large,
                   "a document of enrollment has at most " + std::to_string(largest) + " bytes");
  }
  STEWARD_TRY(auto object, wire::parse_json(body_of(document)));
  wire::Fields fields(object);
  const auto form = fields.integer("form", 0, 0, std::int64_t{1} << 31);
  const auto cluster = ClusterName::parse(fields.required_text("cluster"));
  const auto node = wire::NodeName::parse(fields.required_text("node"));
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  if (form != kForm) {
    return failure(ErrorCode::unsupported,
                   "a document of enrollment of form " + std::to_string(form));
  }
  if (!cluster || !node) {
    return tl::unexpected<Error>(cluster ? node.error() : cluster.error());
  }
  return EnrollmentBody{std::move(object), NodeIdentity{*cluster, *node}};
}

Result<Certificate> one_certificate(const std::string& pem) {
  return Certificate::parse_pem(pem, 1).map(
      [](const std::vector<Certificate>& found) { return found.front(); });
}

Result<EnrollmentBundle> read_bundle(std::string_view document) {
  STEWARD_TRY(const auto body, read_enrollment(document, kLargestBundle));
  wire::Fields fields(body.object);
  const std::string key_id = fields.required_text("message_key_id");
  const std::string login = fields.required_text("login");
  const std::string root = fields.required_text("root");
  const std::string authority = fields.required_text("authority");
  const std::string policy = fields.text("policy");
  const std::string renewal = fields.text("renewal");
  const std::string issued = fields.required_text("issued");
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  STEWARD_TRY(auto root_certificate, one_certificate(root));
  STEWARD_TRY(auto own_certificate, one_certificate(authority));
  const auto time = wire::parse_time(issued);
  if (!time) {
    return failure(ErrorCode::bad_payload, "issued: " + time.error().message);
  }
  return EnrollmentBundle{body.node,
                          key_id,
                          login,
                          std::move(root_certificate),
                          std::move(own_certificate),
                          policy,
                          *time,
                          renewal};
}

Result<void> answers(const EnrollmentBundle& bundle,
                     const NodeIdentity& node,
                     const UnitKeys& keys,
                     wire::Timestamp now) {
  if (bundle.node != node) {
    return failure(ErrorCode::denied, "the bundle is for " + bundle.node.dns());
  }
  if (bundle.message_key_id != keys.message.public_key().id() ||
      bundle.authority.public_key() != keys.authority.public_key()) {
    return failure(ErrorCode::denied, "the bundle is for other keys than this unit has");
  }
  const auto is_login = [&keys](const std::string& jwt) -> Result<void> {
    const Secret credentials = encode_credentials(jwt, keys.login);
    if (auto login = decode_credentials(credentials.view()); !login) {
      return tl::unexpected<Error>(std::move(login).error().with_context("the bundle's login"));
    }
    return {};
  };
  if (auto good = is_login(bundle.login_jwt); !good) {
    return good;
  }
  if (auto good = bundle.renewal_jwt.empty() ? Result<void>() : is_login(bundle.renewal_jwt);
      !good) {
    return good;
  }
  if (auto root = verify_root(bundle.root, now); !root) {
    return root;
  }
  return verify_authority(node, bundle.authority, {node.cluster, {bundle.root}, {}}, now);
}

}  // namespace

Result<std::string> make_enrollment_request(const NodeIdentity& node,
                                            const UnitKeys& keys,
                                            wire::Timestamp now) {
  STEWARD_TRY(const auto request, make_request(node, keys.authority));
  const nlohmann::json body = {{"form", kForm},
                               {"cluster", node.cluster.str()},
                               {"node", node.node.str()},
                               {"message_key", keys.message.public_key().text()},
                               {"login_key", keys.login.public_key().text()},
                               {"authority_request", request},
                               {"issued", wire::format_time(now)}};
  return sign_document(Purpose::enrollment, body.dump(2) + "\n", keys.message);
}

Result<EnrollmentRequest> open_enrollment_request(std::string_view document) {
  STEWARD_TRY(const auto body, read_enrollment(document, kLargestRequest));
  wire::Fields fields(body.object);
  const std::string message = fields.required_text("message_key");
  const std::string login = fields.required_text("login_key");
  const std::string authority = fields.required_text("authority_request");
  if (auto finished = fields.finish(); !finished) {
    return tl::unexpected<Error>(std::move(finished).error());
  }
  STEWARD_TRY(auto message_key, PublicKey::parse(message));
  STEWARD_TRY([[maybe_unused]] const auto said,
              open_document(Purpose::enrollment, document, {message_key}));
  STEWARD_TRY(auto login_key, Nkey::parse(login));
  if (login_key.kind() != NkeyKind::user) {
    return failure(ErrorCode::bad_payload, "login_key: not the key of a user");
  }
  STEWARD_TRY(auto authority_key, check_request(authority, body.node));
  return EnrollmentRequest{
      body.node, std::move(message_key), std::move(login_key), std::move(authority_key)};
}

std::string enrollment_fingerprint(std::string_view document) {
  const std::string digits = hex(sha256(document)).substr(0, kFingerprintDigits);
  std::string out;
  for (std::size_t at = 0; at < digits.size(); at += kGroup) {
    out += (at == 0 ? "" : "-") + digits.substr(at, kGroup);
  }
  return out;
}

Result<std::string> make_enrollment_bundle(const EnrollmentBundle& bundle, const PrivateKey& root) {
  STEWARD_TRY(const auto root_pem, bundle.root.pem());
  STEWARD_TRY(const auto authority_pem, bundle.authority.pem());
  nlohmann::json body = {{"form", kForm},
                         {"cluster", bundle.node.cluster.str()},
                         {"node", bundle.node.node.str()},
                         {"message_key_id", bundle.message_key_id},
                         {"login", bundle.login_jwt},
                         {"root", root_pem},
                         {"authority", authority_pem},
                         {"issued", wire::format_time(bundle.issued)}};
  if (!bundle.policy.empty()) {
    body["policy"] = bundle.policy;
  }
  if (!bundle.renewal_jwt.empty()) {
    body["renewal"] = bundle.renewal_jwt;
  }
  return sign_document(Purpose::bundle, body.dump(2) + "\n", root);
}

Result<EnrollmentBundle> read_enrollment_bundle(std::string_view document,
                                                const std::vector<PublicKey>& roots) {
  if (document.size() > kLargestBundle) {
    return failure(ErrorCode::too_large, "the bundle is larger than 1 MiB");
  }
  STEWARD_TRY([[maybe_unused]] const auto said, open_document(Purpose::bundle, document, roots));
  return read_bundle(document);
}

Result<EnrollmentBundle> open_enrollment_bundle(std::string_view document,
                                                const NodeIdentity& node,
                                                const UnitKeys& keys,
                                                const std::vector<PublicKey>& roots,
                                                wire::Timestamp now) {
  STEWARD_TRY(auto bundle, read_enrollment_bundle(document, roots));
  if (auto fits = answers(bundle, node, keys, now); !fits) {
    return tl::unexpected<Error>(std::move(fits).error());
  }
  return bundle;
}

}  // namespace steward::identity
