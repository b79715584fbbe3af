#include "tests/fuzz/identity_checks.hpp"

#include "subjects/identity/authority.hpp"
#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/enrollment.hpp"
#include "subjects/identity/jwt.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/pem.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/signed_document.hpp"
#include "subjects/identity/trust.hpp"
#include "subjects/wire/fields.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"
#include "tests/subjects/identity/policies.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <initializer_list>

namespace steward::fuzz {
namespace {

using identity::tests::Broker;
using identity::tests::fixed_key;
using identity::tests::fixed_nkey;
using identity::tests::noon;

constexpr std::size_t kLongestMessage = 512;

template <class T>
bool refused_well(const Result<T>& result, std::initializer_list<ErrorCode> codes) {
  return result || (result.error().message.size() <= kLongestMessage &&
                    std::find(codes.begin(), codes.end(), result.error().code) != codes.end());
}

bool nkey_holds(std::string_view bytes) {
  const auto key = identity::Nkey::parse(bytes);
  const auto pair = identity::NkeyPair::parse_seed(bytes);
  const auto plain = identity::PublicKey::parse(bytes);
  return refused_well(key, {ErrorCode::bad_payload}) &&
         refused_well(pair, {ErrorCode::bad_payload}) &&
         refused_well(plain, {ErrorCode::bad_payload}) && (!key || key->text() == bytes) &&
         (!pair || pair->seed_text().view() == bytes) && (!plain || plain->text() == bytes);
}

// The bytes are claims, signed by whom they should be signed by, and also a JWT as they are.
bool jwt_holds(std::string_view bytes) {
  static const Broker broker;
  const auto refused = {ErrorCode::bad_payload,
                        ErrorCode::unsupported,
                        ErrorCode::bad_signature,
                        ErrorCode::expired,
                        ErrorCode::denied,
                        ErrorCode::bad_subject};
  const auto raw = identity::open_jwt(bytes);
  if (!refused_well(raw, {ErrorCode::bad_payload, ErrorCode::bad_signature})) {
    return false;
  }
  const auto claims = wire::parse_json(bytes);
  if (!claims || !claims->is_object()) {
    return true;
  }
  const auto top = identity::verify_operator(
      identity::sign_jwt(*claims, broker.operator_key).value(), broker.operator_key.public_key());
  const auto account = identity::verify_account(
      identity::sign_jwt(*claims, broker.operator_signing).value(), broker.operator_claims, noon());
  const auto scoped = identity::verify_user(
      identity::sign_jwt(*claims, broker.unit_scope).value(), broker.account_claims, noon());
  const auto plain = identity::verify_user(
      identity::sign_jwt(*claims, broker.people).value(), broker.account_claims, noon());
  const bool no_rights = !scoped || !scoped->permissions;
  return no_rights && refused_well(top, refused) && refused_well(account, refused) &&
         refused_well(scoped, refused) && refused_well(plain, refused);
}

bool credentials_holds(std::string_view bytes) {
  const auto read = identity::decode_credentials(bytes);
  if (!read) {
    return refused_well(read, {ErrorCode::bad_payload, ErrorCode::bad_signature});
  }
  const auto text = identity::encode_credentials(read->jwt, read->user);
  const auto again = identity::decode_credentials(text.view());
  return again && again->jwt == read->jwt;
}

// Nobody answers for a passphrase: what costs a third of a second is not the parser.
bool key_file_holds(std::string_view bytes) {
  const auto key = identity::decode_key(bytes, &identity::no_passphrase);
  if (!key) {
    return refused_well(key, {ErrorCode::bad_payload, ErrorCode::denied});
  }
  const auto text = identity::encode_key(*key).value();
  return identity::decode_key(text.view(), &identity::no_passphrase)->public_key() ==
         key->public_key();
}

identity::NodeIdentity ship() {
  return {identity::ClusterName::parse("demo").value(), wire::NodeName::parse("ship1").value()};
}

identity::DaemonIdentity daemon() {
  return {ship().cluster, ship().node, identity::DaemonName::parse("nginx").value()};
}

struct Chain {
  identity::Validity validity{noon() - std::chrono::hours(1), noon() + std::chrono::hours(1)};
  identity::Certificate root = identity::issue_root(ship().cluster, fixed_key(1), validity).value();
  identity::Certificate authority =
      identity::issue_authority(ship(), fixed_key(2).public_key(), root, fixed_key(1), validity)
          .value();
  identity::Certificate leaf =
      identity::issue_leaf(daemon(), fixed_key(3).public_key(), authority, fixed_key(2), validity)
          .value();
};

// DER, or PEM; at each place of a chain.
bool certificate_holds(std::string_view bytes) {
  static const Chain chain;
  const auto refused = {ErrorCode::bad_signature, ErrorCode::denied, ErrorCode::expired};
  if (!refused_well(identity::Certificate::parse_pem(bytes, 2), {ErrorCode::bad_payload})) {
    return false;
  }
  const auto read = identity::Certificate::from_der(bytes);
  if (!read) {
    return refused_well(read, {ErrorCode::bad_payload});
  }
  const identity::Trust trust{ship().cluster, {chain.root}, {}};
  const auto as_leaf =
      identity::verify_peer({*read, chain.authority}, trust, identity::PeerSide::client, noon());
  const auto as_authority =
      identity::verify_peer({chain.leaf, *read}, trust, identity::PeerSide::server, noon());
  // What is believed can only be what these fixed keys have signed; serials differ from run to run.
  const bool forged =
      (as_leaf && (*as_leaf != daemon() || read->public_key() != chain.leaf.public_key())) ||
      (as_authority && read->public_key() != chain.authority.public_key());
  return !forged && refused_well(as_leaf, refused) && refused_well(as_authority, refused) &&
         refused_well(identity::verify_authority(ship(), *read, trust, noon()), refused) &&
         refused_well(identity::verify_root(*read, noon()), refused);
}

// DER in PEM, and whatever it is.
bool request_holds(std::string_view bytes) {
  const auto refused = {ErrorCode::bad_payload, ErrorCode::bad_signature, ErrorCode::denied};
  const auto pem = identity::encode_pem("CERTIFICATE REQUEST", bytes).value();
  return refused_well(identity::check_request(bytes, ship()), refused) &&
         refused_well(identity::check_request(pem.view(), ship()), refused);
}

// A body, signed first, and a document as it is; asked for a verdict with the bytes as the payload.
bool policy_holds(std::string_view bytes) {
  static const std::vector<identity::PublicKey> roots{fixed_key(50).public_key()};
  static const auto example = identity::Policy::parse(identity::tests::example_policy()).value();
  const auto refused = {ErrorCode::bad_payload,
                        ErrorCode::unsupported,
                        ErrorCode::bad_signature,
                        ErrorCode::expired,
                        ErrorCode::denied,
                        ErrorCode::conflict};
  const auto document =
      identity::sign_document(identity::Purpose::policy, bytes, fixed_key(50)).value();
  const auto accepted = identity::accept_policy(document, roots, ship().cluster, &example, noon());
  if (!refused_well(accepted, refused) ||
      !refused_well(identity::accept_policy(bytes, roots, ship().cluster, &example, noon()),
                    refused) ||
      !refused_well(identity::ArgumentRule::parse(bytes),
                    {ErrorCode::bad_payload, ErrorCode::unsupported})) {
    return false;
  }
  const auto unit = ship().node;
  const auto bob =
      identity::tests::command_of(2, "/operator/bob", "ship1.command.shellcommand.operatingsystem");
  const auto verdict = example.evaluate({bob, bytes, unit, noon()});
  const auto eve =
      identity::tests::command_of(9, "/operator/eve", "ship1.command.shellcommand.operatingsystem");
  return !verdict.allowed && !verdict.reason.empty() &&
         (!accepted || accepted->find_signer(eve.key_id) != nullptr ||
          !accepted->evaluate({eve, bytes, unit, noon()}).allowed);
}

const identity::UnitKeys& unit_keys() {
  static const identity::UnitKeys keys{
      fixed_key(60), fixed_nkey(identity::NkeyKind::user, 61), fixed_key(62)};
  return keys;
}

identity::EnrollmentBundle example_bundle() {
  static const Chain chain;
  const Broker broker;
  const auto login =
      identity::sign_user(broker.user(unit_keys().login, "ship1"), broker.unit_scope, noon());
  const auto authority = identity::issue_authority(
      ship(), unit_keys().authority.public_key(), chain.root, fixed_key(1), chain.validity);
  return {ship(),
          unit_keys().message.public_key().id(),
          login.value(),
          chain.root,
          authority.value(),
          "",
          noon()};
}

// Bodies of a request and of a bundle, signed first, and documents as they are.
bool enrollment_holds(std::string_view bytes) {
  static const std::vector<identity::PublicKey> roots{fixed_key(1).public_key()};
  const auto refused = {ErrorCode::bad_payload,
                        ErrorCode::too_large,
                        ErrorCode::unsupported,
                        ErrorCode::bad_signature,
                        ErrorCode::bad_subject,
                        ErrorCode::denied,
                        ErrorCode::expired};
  const auto request =
      identity::sign_document(identity::Purpose::enrollment, bytes, unit_keys().message).value();
  const auto bundle =
      identity::sign_document(identity::Purpose::bundle, bytes, fixed_key(1)).value();
  const auto open = [](std::string_view document) {
    return identity::open_enrollment_bundle(document, ship(), unit_keys(), roots, noon());
  };
  const auto said = identity::open_enrollment_request(request);
  const bool forged = said && said->message_key != unit_keys().message.public_key();
  return !forged && refused_well(said, refused) &&
         refused_well(identity::open_enrollment_request(bytes), refused) &&
         refused_well(open(bundle), refused) && refused_well(open(bytes), refused);
}

constexpr std::array<Check, 8> kChecks{{{"identity_nkey", &nkey_holds},
                                        {"identity_jwt", &jwt_holds},
                                        {"identity_credentials", &credentials_holds},
                                        {"identity_key_file", &key_file_holds},
                                        {"identity_certificate", &certificate_holds},
                                        {"identity_request", &request_holds},
                                        {"identity_policy", &policy_holds},
                                        {"identity_enrollment", &enrollment_holds}}};

std::vector<std::string> key_file_seeds() {
  const auto passphrase = identity::Secret::copy_of("x");
  return {std::string(identity::encode_key(fixed_key(1)).value().view()),
          std::string(identity::encode_key(fixed_key(1), passphrase).value().view())};
}

std::vector<std::string> jwt_seeds() {
  const Broker broker;
  auto user = broker.user(fixed_nkey(identity::NkeyKind::user, 0x70), "ship1");
  const auto scoped = identity::sign_user(user, broker.unit_scope, noon()).value();
  user.permissions = identity::Permissions{{"a"}, {"b"}};
  user.expires = noon() + std::chrono::hours(1);
  const auto plain = identity::sign_user(user, broker.people, noon()).value();
  std::vector<std::string> seeds{scoped};
  for (const auto& jwt : {broker.operator_jwt(noon()), broker.account_jwt(noon()), scoped, plain}) {
    seeds.push_back(wire::dump_json(identity::open_jwt(jwt).value()));
  }
  return seeds;
}

}  // namespace

std::span<const Check> identity_checks() { return kChecks; }

const Check& identity_check(std::string_view name) {
  const auto at = std::find_if(
      kChecks.begin(), kChecks.end(), [name](const Check& item) { return item.name == name; });
  if (at == kChecks.end()) {
    std::abort();
  }
  return *at;
}

std::vector<std::string> identity_seeds(std::string_view name) {
  const auto user = fixed_nkey(identity::NkeyKind::user, 0x70);
  if (name == "identity_nkey") {
    return {user.public_key().text(),
            std::string(user.seed_text().view()),
            fixed_key(1).public_key().text()};
  }
  if (name == "identity_jwt") {
    return jwt_seeds();
  }
  if (name == "identity_credentials") {
    return {std::string(identity::encode_credentials(jwt_seeds().front(), user).view())};
  }
  if (name == "identity_key_file") {
    return key_file_seeds();
  }
  if (name == "identity_certificate") {
    const Chain chain;
    return {chain.root.der(), chain.authority.der(), chain.leaf.der(), chain.leaf.pem().value()};
  }
  if (name == "identity_request") {
    const auto pem = identity::make_request(ship(), fixed_key(2)).value();
    return {pem, std::string(identity::decode_pem(pem, 1).value().front().der.view())};
  }
  if (name == "identity_enrollment") {
    const auto request = identity::make_enrollment_request(ship(), unit_keys(), noon()).value();
    const auto bundle = identity::make_enrollment_bundle(example_bundle(), fixed_key(1)).value();
    return {request,
            std::string(identity::body_of(request)),
            bundle,
            std::string(identity::body_of(bundle))};
  }
  const auto body = identity::tests::example_policy();
  return {body,
          identity::sign_document(identity::Purpose::policy, body, fixed_key(50)).value(),
          R"({"argv": [["ls", "..."]], "n": [null, {"from": 1, "to": 5}, {"any": true}]})"};
}

}  // namespace steward::fuzz
