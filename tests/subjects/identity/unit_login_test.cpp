#include "subjects/identity/unit_login.hpp"

#include "subjects/identity/files.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace steward::identity::unit_login_test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using tests::Broker;
using tests::fixed_nkey;
using tests::noon;

NkeyPair user_key() { return fixed_nkey(NkeyKind::user, 0x70); }

wire::NodeName ship1() { return *wire::NodeName::parse("ship1"); }

}  // namespace

TEST_CASE("unit login: it is good for seven days, and the second one as long as it is told") {
  const Broker broker;
  const auto keys = broker.login_keys();
  const auto user = user_key().public_key();
  const auto login = sign_unit_login(ship1(), user, keys, noon());
  const auto second = sign_enrolling_login(ship1(), user, keys, noon(), noon() + hours(24 * 365));
  REQUIRE(login);
  REQUIRE(second);
  const auto good = [&broker](const std::string& jwt, wire::Timestamp at) {
    return verify_user(jwt, broker.account_claims, at).has_value();
  };
  CHECK(good(*login, noon() + hours(24 * 7) - seconds(1)));
  CHECK_FALSE(good(*login, noon() + hours(24 * 7)));
  CHECK(good(*second, noon() + hours(24 * 60)));
  const auto read = read_login(*login);
  REQUIRE(read);
  CHECK(read->user == user);
  CHECK(read->name == "ship1");
  CHECK(read->issuer == broker.unit_scope.public_key());
  CHECK(read->account == broker.account.public_key());
  CHECK(read->issued == noon());
  CHECK(read->expires == noon() + hours(24 * 7));
  CHECK_FALSE(read_login(broker.account_jwt(noon())));
  CHECK_FALSE(read_login("nonsense"));
}

TEST_CASE(
    "unit login: only a later one of the same user, name, account and signer takes its place") {
  const Broker broker;
  const Broker foreign(0x50);
  const auto keys = broker.login_keys();
  const auto user = user_key().public_key();
  const auto present = read_login(sign_unit_login(ship1(), user, keys, noon()).value()).value();
  const auto code = [&present](const Result<std::string>& jwt) {
    const auto checked = check_renewed_login(present, jwt.value());
    return checked ? std::string("taken") : std::string(word(checked.error().code));
  };
  const auto later = noon() + hours(1);
  CHECK(code(sign_unit_login(ship1(), user, keys, later)) == "taken");
  CHECK(code(sign_unit_login(ship1(), user, keys, noon() - seconds(1))) == "denied");
  CHECK(code(sign_unit_login(*wire::NodeName::parse("ship2"), user, keys, later)) == "denied");
  CHECK(code(sign_unit_login(
            ship1(), fixed_nkey(NkeyKind::user, 0x71).public_key(), keys, later)) == "denied");
  CHECK(code(sign_unit_login(ship1(), user, foreign.login_keys(), later)) == "denied");
  CHECK(code(sign_enrolling_login(ship1(), user, keys, later, later + hours(1))) == "denied");
  auto altered = sign_unit_login(ship1(), user, keys, later).value();
  altered.back() = altered.back() == 'A' ? 'B' : 'A';
  CHECK(code(altered) != "taken");
}

TEST_CASE("unit login: what signs them is read from one folder, and said where it is missing") {
  const Broker broker;
  const tests::Folder folder;
  const auto put = [&folder](const char* name, std::string_view text) {
    REQUIRE(write_file(folder / name, text, Access::owner_only, Existing::replace));
  };
  put("account", broker.account.public_key().text() + "\n");
  put("unit-login.seed", broker.unit_scope.seed_text().view());
  CHECK(read_unit_login_keys(folder.path()).error().code == ErrorCode::not_found);
  put("enrolling-login.seed", user_key().seed_text().view());
  CHECK(read_unit_login_keys(folder.path()).error().code == ErrorCode::bad_config);
  put("enrolling-login.seed", broker.enroll_scope.seed_text().view());
  const auto keys = read_unit_login_keys(folder.path());
  REQUIRE(keys);
  CHECK(keys->enrolling_scope.public_key() == broker.enroll_scope.public_key());
}

}  // namespace steward::identity::unit_login_test
