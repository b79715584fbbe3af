#include "subjects/identity/login_configuration.hpp"

#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace steward::identity::login_configuration_test {
namespace {

using std::chrono::seconds;
using tests::Broker;
using tests::fixed_nkey;
using tests::noon;

NkeyPair user_key() { return fixed_nkey(NkeyKind::user, 0x70); }

LoginConfiguration parsed(const std::string& text) {
  auto read = LoginConfiguration::parse(text, noon());
  REQUIRE_MESSAGE(read, read.error().message);
  return *std::move(read);
}

// Whether a login that was signed at that moment is good by that configuration.
Result<UserClaims> let_in(const Broker& broker,
                          const std::string& text,
                          wire::Timestamp signed_at) {
  const auto jwt =
      sign_user(broker.user(user_key(), "ship1"), broker.unit_scope, signed_at).value();
  return verify_user(jwt, parsed(text).account(), noon());
}

}  // namespace

TEST_CASE("login configuration: its account is found among lines that are others' business") {
  const Broker broker;
  const auto text = "server_name: \"x\"\nport: 4222\n" + broker.configuration(noon());
  CHECK(parsed(text).account() == broker.account_claims);
}

TEST_CASE("login configuration: one without an operator or an account is refused") {
  const Broker broker;
  const auto without_account = LoginConfiguration::text_of({broker.operator_jwt(noon()),
                                                            broker.system.public_key(),
                                                            broker.system_jwt(noon()),
                                                            broker.system.public_key(),
                                                            broker.system_jwt(noon()),
                                                            "MEMORY"});
  for (const std::string& text : {std::string(), std::string("port: 4222\n"), without_account}) {
    CAPTURE(text);
    const auto read = LoginConfiguration::parse(text, noon());
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::bad_config);
  }
}

TEST_CASE(
    "login configuration: a revoked login is good for nothing, nor is a later one of its key") {
  const Broker broker;
  const auto text = broker.configuration(noon());
  REQUIRE(let_in(broker, text, noon()));
  const auto before = parsed(text);
  const auto jwt = before.revoke({user_key().public_key()}, broker.operator_signing, noon());
  REQUIRE(jwt);
  const auto next = before.with_account(*jwt, noon());
  REQUIRE(next);
  const auto out = let_in(broker, *next, noon());
  REQUIRE_FALSE(out);
  CHECK(out.error().code == ErrorCode::denied);
  // Whoever still signs logins cannot bring it back.
  CHECK(let_in(broker, *next, noon() + std::chrono::hours(24 * 365)).error().code ==
        ErrorCode::denied);
}

TEST_CASE("login configuration: an account goes only forward") {
  const Broker broker;
  const auto first = parsed(broker.configuration(noon()));
  const auto other = fixed_nkey(NkeyKind::user, 0x71).public_key();
  const auto one = first.revoke({user_key().public_key()}, broker.operator_signing, noon()).value();
  const auto with_one = parsed(first.with_account(one, noon()).value());
  // Within the same second, it is later all the same, and has both.
  const auto two = with_one.revoke({other}, broker.operator_signing, noon()).value();
  const auto with_two = parsed(with_one.with_account(two, noon()).value());
  CHECK(with_two.account().revoked.size() == 2);
  const auto back = with_two.with_account(one, noon());
  REQUIRE_FALSE(back);
  CHECK(back.error().code == ErrorCode::denied);
  CHECK(with_two.with_account(two, noon()));  // the one in force changes nothing
}

TEST_CASE(
    "login configuration: only this operator's signing key makes accounts, and only this one") {
  const Broker broker;
  const Broker stranger(0x50);
  const auto here = parsed(broker.configuration(noon()));
  const auto foreign = here.with_account(stranger.account_jwt(noon() + seconds(9)), noon());
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().code == ErrorCode::bad_signature);
  const auto system = here.with_account(broker.system_jwt(noon() + seconds(9)), noon());
  REQUIRE_FALSE(system);
  CHECK(system.error().code == ErrorCode::denied);
  CHECK(here.revoke({}, stranger.operator_signing, noon()).error().code == ErrorCode::bad_config);
  CHECK_FALSE(here.with_account("nonsense", noon()));
}

TEST_CASE("login configuration: as many revocations as are allowed fit into one JWT") {
  Broker broker;
  for (std::size_t i = 1; i < kMostRevocations; ++i) {
    const auto number = std::to_string(i);
    broker.account_claims.revoked["U" + std::string(55 - number.size(), 'A') + number] =
        4'950'000'000;
  }
  const auto nearly_full = parsed(broker.configuration(noon()));
  const auto last = nearly_full.revoke({user_key().public_key()}, broker.operator_signing, noon());
  REQUIRE(last);
  const auto text = nearly_full.with_account(*last, noon());
  REQUIRE_MESSAGE(text, text.error().message);
  CHECK(parsed(*text).account().revoked.size() == kMostRevocations);
}

TEST_CASE("login configuration: more revocations than a broker takes are refused") {
  Broker broker;
  for (std::size_t i = 0; i < kMostRevocations; ++i) {
    broker.account_claims.revoked["U" + std::to_string(i)] = 1;
  }
  const auto full = parsed(broker.configuration(noon()));
  const auto more = full.revoke({user_key().public_key()}, broker.operator_signing, noon());
  REQUIRE_FALSE(more);
  CHECK(more.error().code == ErrorCode::too_large);
}

}  // namespace steward::identity::login_configuration_test
