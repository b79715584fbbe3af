#include "steward/enrollments.hpp"

#include "subjects/identity/authority.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/known_units.hpp"
#include "subjects/identity/unit_login.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <string>

namespace steward::station::enrollments_test {
namespace {

using identity::NkeyKind;
using identity::NodeIdentity;
using identity::UnitKeys;
using identity::tests::fixed_key;
using identity::tests::fixed_nkey;
using identity::tests::noon;
using std::chrono::hours;
using std::chrono::seconds;
using wire::EnrollmentState;

NodeIdentity node(std::string_view name, std::string_view cluster = "demo") {
  return {*identity::ClusterName::parse(cluster), *wire::NodeName::parse(name)};
}

wire::NodeName ship7() { return node("ship7").node; }

UnitKeys keys(std::uint8_t number) {
  const auto plus = [number](int more) { return static_cast<std::uint8_t>(number + more); };
  return {fixed_key(number), fixed_nkey(NkeyKind::user, plus(1)), fixed_key(plus(2))};
}

std::string request(std::uint8_t number = 60, const NodeIdentity& unit = node("ship7")) {
  return identity::make_enrollment_request(unit, keys(number), noon()).value();
}

std::string bundle(std::uint8_t number = 60,
                   wire::Timestamp issued = noon(),
                   const identity::PrivateKey& by = fixed_key(50)) {
  const identity::Validity validity{noon(), noon() + hours(24)};
  const auto unit = node("ship7");
  const auto unit_keys = keys(number);
  auto root = identity::issue_root(unit.cluster, by, validity).value();
  auto authority =
      identity::issue_authority(unit, unit_keys.authority.public_key(), root, by, validity).value();
  const identity::tests::Broker broker;
  auto login =
      identity::sign_user(broker.user(unit_keys.login, "ship7"), broker.unit_scope, noon()).value();
  return identity::make_enrollment_bundle({unit,
                                           unit_keys.message.public_key().id(),
                                           std::move(login),
                                           std::move(root),
                                           std::move(authority),
                                           "a policy",
                                           issued},
                                          by)
      .value();
}

struct World {
  identity::tests::Folder folder;
  std::vector<identity::PublicKey> roots{fixed_key(50).public_key()};
  Enrollments enrollments = open();
  wire::Timestamp now = noon();

  World() { std::filesystem::create_directory(folder / "units"); }

  Enrollments open() const {
    return Enrollments::open({folder / "enrollments",
                              folder / "units",
                              node("ship7").cluster,
                              [this] { return roots; }})
        .value();
  }

  // As another process that reads the same files.
  void restart() { enrollments = open(); }

  // The word of the state, or of the error. Time goes on.
  std::string ask(const std::string& document, const std::set<std::string>& denied = {}) {
    now += seconds(2);
    const auto told = enrollments.ask(ship7(), document, denied, now);
    return std::string(told ? word(told->status.state) : word(told.error().code));
  }

  wire::EnrollmentRow row() const {
    const auto rows = enrollments.rows({"ship7"});
    REQUIRE(rows.size() == 1);
    return rows.front();
  }
};

std::string code(const Result<Enrollments::LetIn>& taken) {
  return taken ? "taken" : std::string(word(taken.error().code));
}

}  // namespace

TEST_CASE("enrollments: a request waits, is approved by the root's word, and is answered with it") {
  World world;
  CHECK(world.ask(request()) == "pending");
  world.restart();
  CHECK(world.row().fingerprint == identity::enrollment_fingerprint(request()));
  CHECK(world.row().request == request());
  CHECK(world.enrollments.rows({}).at(0).request.empty());
  CHECK(world.ask(request()) == "pending");

  const auto signed_one = bundle();
  REQUIRE(code(world.enrollments.approve(signed_one, world.now)) == "taken");
  const auto known = identity::known_unit(world.folder / "units", ship7());
  REQUIRE(known);
  CHECK(known->message == keys(60).message.public_key());
  CHECK(known->login == keys(60).login.public_key());
  world.restart();
  const auto told = world.enrollments.ask(ship7(), request(), {}, world.now);
  REQUIRE(told);
  CHECK(told->status.state == EnrollmentState::approved);
  CHECK(told->bundle == signed_one);
  CHECK(code(world.enrollments.approve(signed_one, world.now)) == "taken");
}

TEST_CASE(
    "enrollments: a bundle of nobody's root, for nobody who asked, or an older one is refused") {
  World world;
  CHECK(code(world.enrollments.approve(bundle(), noon())) == "not_found");
  REQUIRE(world.ask(request()) == "pending");
  CHECK(code(world.enrollments.approve(bundle(60, noon(), fixed_key(51)), noon())) ==
        "bad_signature");
  CHECK(code(world.enrollments.approve(bundle(70), noon())) == "not_found");
  REQUIRE(code(world.enrollments.approve(bundle(60, noon() + hours(1)), noon())) == "taken");
  CHECK(code(world.enrollments.approve(bundle(60, noon()), noon())) == "denied");
  CHECK(world.row().state == EnrollmentState::approved);
}

TEST_CASE(
    "enrollments: a name is the first key's; another one is a conflict until that is rejected") {
  World world;
  REQUIRE(world.ask(request(60)) == "pending");
  CHECK(world.ask(request(70)) == "conflict");
  CHECK(world.row().fingerprint == identity::enrollment_fingerprint(request(60)));
  CHECK(world.row().other == identity::enrollment_fingerprint(request(70)));
  CHECK(world.ask(request(60)) == "pending");
  REQUIRE(world.enrollments.reject({"ship7", "not ours"}, "/operator/anna", world.now));
  world.restart();
  CHECK(world.ask(request(60)) == "rejected");
  CHECK(world.row().by == "/operator/anna");
  CHECK(world.ask(request(70)) == "pending");
  REQUIRE(code(world.enrollments.approve(bundle(70), world.now)) == "taken");
  CHECK(world.ask(request(60)) == "conflict");
  CHECK(world.row().state == EnrollmentState::approved);
  CHECK(world.enrollments.reject({"ship7", ""}, "/operator/anna", world.now).error().code ==
        ErrorCode::conflict);
  CHECK(world.enrollments.reject({"ship8", ""}, "/operator/anna", world.now).error().code ==
        ErrorCode::not_found);
}

TEST_CASE("enrollments: the name of a unit that was let in by file is no other key's") {
  World world;
  REQUIRE(
      identity::remember_unit(world.folder / "units",
                              ship7(),
                              {keys(60).message.public_key(), keys(60).login.public_key(), ""}));
  CHECK(world.ask(request(70)) == "conflict");
  CHECK(world.row().state == EnrollmentState::conflict);
  CHECK(code(world.enrollments.approve(bundle(70), world.now)) == "conflict");
  CHECK(identity::known_unit(world.folder / "units", ship7())->message ==
        keys(60).message.public_key());
  CHECK(world.ask(request(60)) == "pending");  // that one's own key may ask for a later bundle
}

TEST_CASE(
    "enrollments: what is not the unit's own, or of a denied key, is refused and kept nowhere") {
  World world;
  CHECK(world.ask(request(60, node("ship8"))) == "denied");
  CHECK(world.ask(request(60, node("ship7", "other"))) == "denied");
  auto altered = request();
  altered.insert(altered.size() - 2, " ");
  CHECK(world.ask(altered) == "bad_signature");
  CHECK(world.ask(std::string(20'000, 'x')) == "too_large");
  CHECK(world.ask(request(), {keys(60).message.public_key().id()}) == "denied");
  CHECK(world.enrollments.rows({}).empty());
  REQUIRE(world.ask(request()) == "pending");
  CHECK(world.ask(request(), {keys(60).message.public_key().id()}) == "denied");
}

TEST_CASE("enrollments: other requests for a name are looked at once a second") {
  World world;
  REQUIRE(world.ask(request(60)) == "pending");
  const auto at = world.now + seconds(2);
  CHECK(world.enrollments.ask(ship7(), request(70), {}, at));
  CHECK(world.enrollments.ask(ship7(), request(80), {}, at).error().code == ErrorCode::overloaded);
  CHECK(world.enrollments.ask(ship7(), request(60), {}, at));  // whoever waits is heard
  CHECK(world.enrollments.ask(ship7(), request(80), {}, at + seconds(1)));
}

TEST_CASE("enrollments: what a root has approved is asked anew where another one has followed") {
  World world;
  REQUIRE(world.ask(request()) == "pending");
  REQUIRE(code(world.enrollments.approve(bundle(), world.now)) == "taken");
  CHECK(world.ask(request()) == "approved");
  world.roots.insert(world.roots.begin(), fixed_key(51).public_key());
  CHECK(world.ask(request()) == "pending");
  CHECK(code(world.enrollments.approve(bundle(60, noon(), fixed_key(51)), world.now)) == "taken");
  CHECK(world.ask(request()) == "approved");
  world.roots.pop_back();
  CHECK(code(world.enrollments.approve(bundle(), world.now)) == "bad_signature");
}

TEST_CASE("enrollments: what is old is forgotten, decided sooner than asked") {
  World world;
  REQUIRE(world.ask(request(60)) == "pending");
  world.enrollments.tidy(world.now + Enrollments::kKeepAsked);
  CHECK(world.row().state == EnrollmentState::pending);
  REQUIRE(code(world.enrollments.approve(bundle(), world.now)) == "taken");
  world.enrollments.tidy(world.now + Enrollments::kKeepDecided + seconds(1));
  CHECK(world.enrollments.rows({}).empty());
  world.restart();
  CHECK(world.enrollments.rows({}).empty());
  CHECK(world.ask(request(70)) == "conflict");  // the name stays its own
}

}  // namespace steward::station::enrollments_test
