#include "subjects/identity/enrollment.hpp"

#include "subjects/identity/authority.hpp"
#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/signed_document.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"
#include "tests/subjects/identity/policies.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace steward::identity::enrollment_test {
namespace {

using tests::fixed_key;
using tests::fixed_nkey;
using tests::noon;
using tests::replaced;

NodeIdentity node(std::string_view name, std::string_view cluster = "demo") {
  return {*ClusterName::parse(cluster), *wire::NodeName::parse(name)};
}

UnitKeys keys(std::uint8_t number) {
  const auto plus = [number](int more) { return static_cast<std::uint8_t>(number + more); };
  return {fixed_key(number), fixed_nkey(NkeyKind::user, plus(1)), fixed_key(plus(2))};
}

const PrivateKey& root_key() {
  static const PrivateKey key = fixed_key(50);
  return key;
}

std::string request(std::string_view name = "ship1") {
  return make_enrollment_request(node(name), keys(60), noon()).value();
}

// The request with something else in its body, and signed again by the key that it names.
std::string changed(std::string_view from, std::string_view to) {
  const auto body = replaced(std::string(body_of(request())), from, to);
  return sign_document(Purpose::enrollment, body, keys(60).message).value();
}

EnrollmentBundle bundle_for(const NodeIdentity& unit, const UnitKeys& unit_keys) {
  const Validity validity{noon(), noon() + std::chrono::hours(24)};
  auto root = issue_root(unit.cluster, root_key(), validity).value();
  auto authority =
      issue_authority(unit, unit_keys.authority.public_key(), root, root_key(), validity).value();
  const tests::Broker broker;
  auto login = sign_user(broker.user(unit_keys.login, unit.node.str()), broker.unit_scope, noon());
  auto renewal =
      sign_user(broker.user(unit_keys.login, unit.node.str()), broker.enroll_scope, noon());
  return {unit,
          unit_keys.message.public_key().id(),
          login.value(),
          std::move(root),
          std::move(authority),
          "a policy",
          noon(),
          renewal.value()};
}

std::string bundle(const EnrollmentBundle& said, const PrivateKey& by = root_key()) {
  return make_enrollment_bundle(said, by).value();
}

Result<EnrollmentBundle> open(const std::string& document) {
  return open_enrollment_bundle(
      document, node("ship1"), keys(60), {root_key().public_key()}, noon());
}

TEST_CASE("enrollment: a request says name and keys, and is signed by the unit") {
  const auto opened = open_enrollment_request(request());
  REQUIRE(opened);
  CHECK(opened->node == node("ship1"));
  CHECK(opened->message_key == keys(60).message.public_key());
  CHECK(opened->login_key == keys(60).login.public_key());
  CHECK(opened->authority_key == keys(60).authority.public_key());
}

TEST_CASE("enrollment: a request that was altered, or is not the unit's own, is refused") {
  const auto good = request();
  CHECK(open_enrollment_request(replaced(good, "\"ship1\"", "\"ship2\"")).error().code ==
        ErrorCode::bad_signature);
  // Signed by its own key, but with the authority's request of another name.
  CHECK(open_enrollment_request(changed("\"ship1\"", "\"ship2\"")).error().code ==
        ErrorCode::denied);
  CHECK(open_enrollment_request(changed("\"ship1\"", "\"*\"")).error().code ==
        ErrorCode::bad_subject);
  CHECK(open_enrollment_request(changed("\"form\": 1", "\"form\": 2")).error().code ==
        ErrorCode::unsupported);
  CHECK(open_enrollment_request(changed(keys(60).login.public_key().text(),
                                        fixed_nkey(NkeyKind::account, 9).public_key().text()))
            .error()
            .code == ErrorCode::bad_payload);
  // Somebody else's signature under the unit's body.
  const auto forged = sign_document(Purpose::enrollment, body_of(good), fixed_key(9)).value();
  CHECK(open_enrollment_request(forged).error().code == ErrorCode::bad_signature);
  // A signature of another purpose.
  const auto other = sign_document(Purpose::policy, body_of(good), keys(60).message).value();
  CHECK(open_enrollment_request(other).error().code == ErrorCode::bad_signature);
  CHECK(open_enrollment_request(std::string(kLargestRequest + 1, ' ')).error().code ==
        ErrorCode::too_large);
}

TEST_CASE("enrollment: the fingerprint stands for all that the request says") {
  const auto text = enrollment_fingerprint(request());
  CHECK(text.size() == 39);
  CHECK(text[4] == '-');
  CHECK(text == enrollment_fingerprint(request()));
  CHECK(text != enrollment_fingerprint(changed("2026", "2027")));
}

TEST_CASE("enrollment: a bundle is taken by the unit that it is for") {
  const auto said = bundle_for(node("ship1"), keys(60));
  const auto opened = open(bundle(said));
  REQUIRE(opened);
  CHECK(opened->authority == said.authority);
  CHECK(opened->root == said.root);
  CHECK(opened->login_jwt == said.login_jwt);
  CHECK(opened->renewal_jwt == said.renewal_jwt);
  CHECK(opened->policy == "a policy");
  CHECK(opened->issued == noon());
}

TEST_CASE("enrollment: a bundle for another unit, other keys or of another root is refused") {
  const auto good = bundle_for(node("ship1"), keys(60));
  const auto code = [](const EnrollmentBundle& said, const PrivateKey& by = root_key()) {
    return open(bundle(said, by)).error().code;
  };
  CHECK(code(good, fixed_key(9)) == ErrorCode::bad_signature);
  CHECK(code(bundle_for(node("ship2"), keys(60))) == ErrorCode::denied);
  CHECK(code(bundle_for(node("ship1", "other"), keys(60))) == ErrorCode::denied);
  CHECK(code(bundle_for(node("ship1"), keys(70))) == ErrorCode::denied);
  auto login = good;
  login.login_jwt = bundle_for(node("ship1"), keys(70)).login_jwt;
  CHECK(code(login) == ErrorCode::bad_payload);
  auto renewal = good;
  renewal.renewal_jwt = bundle_for(node("ship1"), keys(70)).renewal_jwt;
  CHECK(code(renewal) == ErrorCode::bad_payload);
  auto authority = good;
  authority.authority = bundle_for(node("ship2"), keys(60)).authority;
  CHECK(code(authority) == ErrorCode::denied);
  // Each of the unit's keys counts by itself.
  authority.authority = bundle_for(node("ship1"), keys(70)).authority;
  CHECK(code(authority) == ErrorCode::denied);
  auto message = good;
  message.message_key_id = keys(70).message.public_key().id();
  CHECK(code(message) == ErrorCode::denied);
  // Whoever only hands it on looks at the root's signature alone.
  CHECK(read_enrollment_bundle(bundle(good), {root_key().public_key()})->node == node("ship1"));
  CHECK(read_enrollment_bundle(bundle(good), {fixed_key(9).public_key()}).error().code ==
        ErrorCode::bad_signature);
  auto altered = bundle(good);
  CHECK(open(replaced(altered, "a policy", "no policy")).error().code == ErrorCode::bad_signature);
  CHECK(open_enrollment_bundle(bundle(good),
                               node("ship1"),
                               keys(60),
                               {root_key().public_key()},
                               noon() + std::chrono::hours(25))
            .error()
            .code == ErrorCode::expired);
}

}  // namespace
}  // namespace steward::identity::enrollment_test
