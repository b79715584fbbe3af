#include "subjects/identity/known_units.hpp"

#include "subjects/identity/files.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::identity::known_units_test {
namespace {

using tests::fixed_key;
using tests::fixed_nkey;
using tests::Folder;

wire::NodeName ship() { return wire::NodeName::parse("ship1").value(); }

Nkey login(std::uint8_t number) { return fixed_nkey(NkeyKind::user, number).public_key(); }

}  // namespace

TEST_CASE("known units: what is remembered of a unit is known of it") {
  const Folder folder;
  CHECK(known_unit(folder.path(), ship()).error().code == ErrorCode::not_found);
  const auto key = fixed_key(1).public_key();
  REQUIRE(remember_unit(folder.path(), ship(), {key, login(0x70), "authority"}));
  const auto known = known_unit(folder.path(), ship());
  REQUIRE(known);
  CHECK(known->message.text() == key.text());
  CHECK(known->login == login(0x70));
  CHECK(known->authority_id == "authority");
}

TEST_CASE("known units: a name is that of the key that came first; its login may come anew") {
  const Folder folder;
  const auto key = fixed_key(1).public_key();
  REQUIRE(remember_unit(folder.path(), ship(), {key, login(0x70), ""}));
  const auto other =
      remember_unit(folder.path(), ship(), {fixed_key(2).public_key(), login(0x71), ""});
  REQUIRE_FALSE(other);
  CHECK(other.error().code == ErrorCode::conflict);
  CHECK(known_unit(folder.path(), ship())->login == login(0x70));
  REQUIRE(remember_unit(folder.path(), ship(), {key, login(0x72), ""}));
  CHECK(known_unit(folder.path(), ship())->login == login(0x72));
}

TEST_CASE("known units: a file that is none of ours is named") {
  const Folder folder;
  REQUIRE(remember_unit(folder.path(), ship(), {fixed_key(1).public_key(), login(0x70), ""}));
  const auto account = fixed_nkey(NkeyKind::account, 0x70).public_key().text();
  for (const auto& text : {std::string(), std::string("nonsense\n"), account + "\n"}) {
    REQUIRE(write_file(folder / "ship1.login", text, Access::everybody, Existing::replace));
    const auto known = known_unit(folder.path(), ship());
    REQUIRE_FALSE(known);
    CHECK(known.error().code == ErrorCode::bad_config);
    CHECK(known.error().message.find("ship1.login") != std::string::npos);
  }
}

}  // namespace steward::identity::known_units_test
