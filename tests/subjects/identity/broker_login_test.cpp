#include "subjects/identity/broker_login.hpp"

#include "subjects/identity/encoding.hpp"
#include "subjects/identity/jwt.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace steward::identity::broker_login_test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using tests::Broker;
using tests::fixed_nkey;
using tests::noon;

NkeyPair user_key() { return fixed_nkey(NkeyKind::user, 0x70); }

// The claims of a good JWT, changed and signed again by whom the attacker holds.
template <class Change>
std::string forged(const std::string& jwt, const NkeyPair& signer, Change change) {
  auto claims = open_jwt(jwt).value();
  change(claims);
  return sign_jwt(claims, signer).value();
}

}  // namespace

TEST_CASE("login: operator, account and user say what they were made of") {
  Broker broker;
  broker.account_claims.revoked = {{"*", 5}};
  const auto above = verify_operator(broker.operator_jwt(noon()), broker.operator_key.public_key());
  REQUIRE(above);
  CHECK(*above == broker.operator_claims);
  const auto account = verify_account(broker.account_jwt(noon()), *above, noon());
  REQUIRE(account);
  CHECK(*account == broker.account_claims);
  const auto key = user_key();
  auto wanted = broker.user(key, "ship1");
  wanted.expires = noon() + hours(24 * 7);
  const auto scoped =
      verify_user(sign_user(wanted, broker.unit_scope, noon()).value(), *account, noon());
  REQUIRE(scoped);
  CHECK(*scoped == wanted);
  wanted.permissions = Permissions{{"a.>"}, {"b", "c.*"}};
  const auto own = verify_user(sign_user(wanted, broker.people, noon()).value(), *account, noon());
  REQUIRE(own);
  CHECK(*own == wanted);
}

TEST_CASE("login: the text of every JWT and of the credentials is a contract") {
  const Broker broker;
  const auto key = user_key();
  auto user = broker.user(key, "ship1");
  user.expires = noon() + hours(24 * 7);
  const auto jwt = sign_user(user, broker.unit_scope, noon()).value();
  CHECK(tests::is_golden("operator.jwt", broker.operator_jwt(noon())));
  CHECK(tests::is_golden("account.jwt", broker.account_jwt(noon())));
  CHECK(tests::is_golden("user.jwt", jwt));
  CHECK(tests::is_golden("user.creds", encode_credentials(jwt, key).view()));
}

TEST_CASE("login: nobody signs what is not theirs to sign, and no name but a label gets a login") {
  const Broker broker;
  const auto key = user_key();
  const auto refused = [](const Result<std::string>& jwt) {
    return !jwt && jwt.error().code == ErrorCode::bad_config;
  };
  CHECK(refused(sign_operator(broker.operator_claims, broker.operator_signing, noon())));
  CHECK(refused(sign_account(broker.account_claims, broker.account, noon())));
  CHECK(refused(sign_user(broker.user(key, "ship1"), broker.operator_signing, noon())));
  CHECK(refused(sign_user(broker.user(key, "ship1"), broker.account, noon())));
  for (const auto* name : {"*", ">", "", "a.b", "Ship1", "ship1 ", "{{name()}}", "-a", "@all"}) {
    CAPTURE(name);
    CHECK(refused(sign_user(broker.user(key, name), broker.unit_scope, noon())));
  }
}

TEST_CASE("login: a foreign, broken, expired, revoked or over-reaching JWT is refused") {
  Broker broker;
  const Broker foreign(0x50);
  const auto key = user_key();
  const auto pinned = broker.operator_key.public_key();
  const auto above = broker.operator_claims;
  const auto& account = broker.account_claims;
  auto seven_days = broker.user(key, "ship1");
  seven_days.expires = noon() + hours(24 * 7);
  const auto good_user = sign_user(seven_days, broker.unit_scope, noon()).value();
  const auto good_account = broker.account_jwt(noon());

  CHECK(verify_operator(foreign.operator_jwt(noon()), pinned).error().code ==
        ErrorCode::bad_signature);
  // The foreign operator's account, and ours signed by the foreign operator or by our offline key.
  CHECK(verify_account(foreign.account_jwt(noon()), above, noon()).error().code ==
        ErrorCode::bad_signature);
  for (const NkeyPair* signer : std::initializer_list<const NkeyPair*>{
           &foreign.operator_signing, &broker.operator_key, &broker.account}) {
    const auto jwt = forged(good_account, *signer, [](auto&) {});
    CHECK(verify_account(jwt, above, noon()).error().code == ErrorCode::bad_signature);
  }

  struct Row {
    std::string_view attack;
    std::string jwt;
    ErrorCode code;
  };

  const auto change = [&](auto what) { return forged(good_user, broker.unit_scope, what); };
  const std::vector<Row> rows{
      {"of a foreign account",
       sign_user(foreign.user(key, "ship1"), foreign.unit_scope, noon()).value(),
       ErrorCode::bad_signature},
      {"signed by a foreign scoped key",
       forged(good_user, foreign.unit_scope, [](auto&) {}),
       ErrorCode::bad_signature},
      {"signed by the account's own key",
       forged(good_user, broker.account, [](auto&) {}),
       ErrorCode::bad_signature},
      {"signed by itself", forged(good_user, key, [](auto&) {}), ErrorCode::bad_signature},
      {"for another account",
       change([&](auto& c) { c["nats"]["issuer_account"] = foreign.account.public_key().text(); }),
       ErrorCode::bad_signature},
      {"with rights",
       change([](auto& c) { c["nats"]["pub"]["allow"] = {">"}; }),
       ErrorCode::denied},
      {"with limits", change([](auto& c) { c["nats"]["subs"] = -1; }), ErrorCode::denied},
      {"a bearer", change([](auto& c) { c["nats"]["bearer_token"] = true; }), ErrorCode::denied},
      {"named *", change([](auto& c) { c["name"] = "*"; }), ErrorCode::bad_subject},
      {"named as two tokens", change([](auto& c) { c["name"] = "a.b"; }), ErrorCode::bad_subject},
      {"without a name", change([](auto& c) { c.erase("name"); }), ErrorCode::bad_subject},
      {"an account's JWT", good_account, ErrorCode::bad_payload},
      {"of version 1", change([](auto& c) { c["nats"]["version"] = 1; }), ErrorCode::bad_payload},
      {"for an account's key",
       change([&](auto& c) { c["sub"] = broker.account.public_key().text(); }),
       ErrorCode::bad_payload},
      {"expiring at a word", change([](auto& c) { c["exp"] = "never"; }), ErrorCode::bad_payload},
      {"without a signature",
       good_user.substr(0, good_user.rfind('.') + 1),
       ErrorCode::bad_signature},
      {"of two parts", good_user.substr(0, good_user.rfind('.')), ErrorCode::bad_payload},
      {"of four parts", good_user + ".AA", ErrorCode::bad_signature},
      {"algorithm none",
       base64url(R"({"typ":"JWT","alg":"none"})") + good_user.substr(good_user.find('.')),
       ErrorCode::bad_payload},
      {"nothing", "", ErrorCode::bad_payload},
  };
  REQUIRE(verify_user(good_user, account, noon()));
  for (const auto& [attack, jwt, code] : rows) {
    CAPTURE(attack);
    const auto verdict = verify_user(jwt, account, noon());
    REQUIRE_FALSE(verdict);
    CHECK(verdict.error().code == code);
  }

  CHECK(verify_user(good_user, account, noon() + hours(24 * 7) - seconds(1)));
  CHECK(verify_user(good_user, account, noon() + hours(24 * 7)).error().code == ErrorCode::expired);

  auto revoking = account;
  revoking.revoked = {{key.public_key().text(), unix_seconds(noon()) - 1}};
  CHECK(verify_user(good_user, revoking, noon()));  // issued after that
  revoking.revoked = {{key.public_key().text(), unix_seconds(noon())}};
  CHECK(verify_user(good_user, revoking, noon()).error().code == ErrorCode::denied);
  revoking.revoked = {{"*", unix_seconds(noon())}};
  CHECK(verify_user(good_user, revoking, noon()).error().code == ErrorCode::denied);
}

TEST_CASE("login: every changed letter of a JWT is seen") {
  const Broker broker;
  const auto jwt = sign_user(broker.user(user_key(), "ship1"), broker.unit_scope, noon()).value();
  for (std::size_t at = 0; at < jwt.size(); ++at) {
    auto changed = jwt;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(verify_user(changed, broker.account_claims, noon()));
  }
}

TEST_CASE("login: credentials come back, and only with the seed of their JWT") {
  const Broker broker;
  const auto key = user_key();
  const auto jwt = sign_user(broker.user(key, "ship1"), broker.unit_scope, noon()).value();
  const std::string text(encode_credentials(jwt, key).view());
  const auto read = decode_credentials(text);
  REQUIRE(read);
  CHECK(read->jwt == jwt);
  CHECK(read->user.public_key() == key.public_key());
  CHECK(decode_credentials("words before\n" + text + "and behind\n"));
  const auto other = fixed_nkey(NkeyKind::user, 0x71);
  for (const std::string& bad : {std::string(),
                                 std::string(encode_credentials(jwt, other).view()),
                                 std::string(encode_credentials("x", key).view()),
                                 std::string(encode_credentials(jwt, broker.unit_scope).view()),
                                 text + text,
                                 text.substr(0, text.size() - 4),
                                 jwt}) {
    CHECK_FALSE(decode_credentials(bad));
  }
}

}  // namespace steward::identity::broker_login_test
