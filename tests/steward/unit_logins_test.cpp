#include "steward/unit_logins.hpp"

#include "subjects/identity/files.hpp"
#include "subjects/identity/known_units.hpp"
#include "subjects/identity/login_configuration.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace steward::station::unit_logins_test {
namespace {

using identity::Access;
using identity::Existing;
using identity::NkeyKind;
using identity::tests::fixed_key;
using identity::tests::fixed_nkey;
using identity::tests::noon;
using std::chrono::hours;
using std::chrono::seconds;
using Steady = UnitLogins::Steady;

wire::NodeName ship1() { return *wire::NodeName::parse("ship1"); }

// A cluster's keys, and the unit ship1 that it knows.
struct World {
  identity::tests::Folder folder;
  identity::tests::Broker broker;
  identity::NkeyPair user = fixed_nkey(NkeyKind::user, 0x70);

  World() {
    put("account", broker.account.public_key().text() + "\n");
    put("unit-login.seed", broker.unit_scope.seed_text().view());
    put("enrolling-login.seed", broker.enroll_scope.seed_text().view());
    put("logins.conf", broker.configuration(noon()));
    std::filesystem::create_directory(folder / "units");
    REQUIRE(identity::remember_unit(
        folder / "units", ship1(), {fixed_key(60).public_key(), user.public_key(), ""}));
  }

  void put(const char* name, std::string_view text) const {
    REQUIRE(identity::write_file(folder / name, text, Access::owner_only, Existing::replace));
  }

  UnitLogins open() const {
    return UnitLogins::open({folder.path(), folder / "units", folder / "logins.conf", hours(24)})
        .value();
  }
};

}  // namespace

TEST_CASE("unit logins: a known unit gets one for its own key, as long as it was set") {
  const World world;
  auto logins = world.open();
  const auto jwt = logins.renew(ship1(), noon(), Steady(seconds(100)));
  REQUIRE_MESSAGE(jwt, jwt.error().message);
  const auto user = identity::verify_user(*jwt, world.broker.account_claims, noon());
  REQUIRE(user);
  CHECK(user->key == world.user.public_key());
  CHECK(user->name == "ship1");
  CHECK(user->expires == noon() + hours(24));
  // Not again at once, whoever repeats the wish.
  CHECK(logins.renew(ship1(), noon(), Steady(seconds(101))).error().code == ErrorCode::overloaded);
  CHECK(logins.renew(ship1(), noon(), Steady(seconds(102))));
  CHECK(logins.renew(*wire::NodeName::parse("ship2"), noon(), {}).error().code ==
        ErrorCode::not_found);
}

TEST_CASE("unit logins: a login that the account revokes does not go on") {
  const World world;
  auto logins = world.open();
  REQUIRE(logins.renew(ship1(), noon(), Steady(seconds(100))));
  auto text = identity::read_file(world.folder / "logins.conf").value();
  const auto before = identity::LoginConfiguration::parse(text, noon()).value();
  const auto account =
      before.revoke({world.user.public_key()}, world.broker.operator_signing, noon()).value();
  world.put("logins.conf", before.with_account(account, noon()).value());
  CHECK(logins.renew(ship1(), noon() + hours(1), Steady(seconds(200))).error().code ==
        ErrorCode::denied);
  // Nor is anything signed while nobody can say whom the account revokes.
  world.put("logins.conf", "nonsense");
  CHECK(logins.renew(ship1(), noon(), Steady(seconds(300))).error().code == ErrorCode::bad_config);
}

}  // namespace steward::station::unit_logins_test
