#include "edge/daemon_certificate.hpp"

#include "edge/enrollment.hpp"
#include "subjects/identity/authority.hpp"
#include "subjects/identity/enrollment.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/trust.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <string>

namespace steward::edge::daemon_certificate_test {
namespace {

namespace fs = std::filesystem;

using identity::Certificate;
using identity::tests::fixed_key;
using identity::tests::noon;
using std::chrono::hours;

// The unit ship7 of demo, enrolled at noon; its authority holds for that long.
struct Unit {
  explicit Unit(hours life = hours(24 * 365)) {
    const auto& root_key = key;
    const JoinPlan plan{
        place, "demo", "ship7", root_key.public_key().text(), {"nats://127.0.0.1:1"}};
    const auto asked = begin_enrollment(plan, noon());
    REQUIRE(asked);
    const auto request =
        identity::open_enrollment_request(identity::read_file(asked->file).value());
    REQUIRE(request);
    const auto authority = identity::issue_authority(
        request->node, request->authority_key, root, root_key, {noon(), noon() + life});
    const identity::tests::Broker broker;
    const auto login = identity::sign_user(
        {request->login_key, "ship7", broker.account.public_key(), std::nullopt, std::nullopt},
        broker.unit_scope,
        noon());
    const auto bundle = identity::make_enrollment_bundle(
        {request->node, request->message_key.id(), *login, root, *authority, "", noon()}, root_key);
    REQUIRE(identity::write_file(
        folder.path() / "bundle", *bundle, identity::Access::everybody, identity::Existing::keep));
    const auto done = finish_enrollment(place, folder.path() / "bundle", noon());
    REQUIRE(done);
  }

  Result<identity::Issued> certify_at(wire::Timestamp now) const {
    return certify({place, "nginx", folder.path() / "nginx", ""}, now);
  }

  // Whether a peer that knows the root takes it for what it is.
  bool holds_at(wire::Timestamp now) const {
    const auto text = identity::read_file(folder.path() / "nginx/chain.pem").value();
    const auto chain = Certificate::parse_pem(text, 2).value();
    const auto peer = identity::verify_peer(chain,
                                            {*identity::ClusterName::parse("demo"), {root}, {}},
                                            identity::PeerSide::server,
                                            now);
    return peer && peer->dns() == "nginx.ship7.demo.steward";
  }

  const tests::TemporaryFolder folder;
  const fs::path place = folder.path() / "unit";
  const identity::PrivateKey key = fixed_key(50);
  const Certificate root =
      identity::issue_root(
          *identity::ClusterName::parse("demo"), key, {noon(), noon() + hours(24 * 3650)})
          .value();
};

TEST_CASE("certificates: one is renewed at two thirds of its life, and not before") {
  const Unit unit;
  CHECK(unit.certify_at(noon()) == identity::Issued::fresh);
  CHECK(unit.holds_at(noon() + hours(23)));
  CHECK_FALSE(unit.holds_at(noon() + hours(25)));
  CHECK(unit.certify_at(noon() + hours(15)) == identity::Issued::kept);
  CHECK(unit.certify_at(noon() + hours(17)) == identity::Issued::fresh);
  CHECK(unit.holds_at(noon() + hours(40)));
}

TEST_CASE("certificates: asked for every hour for 30 days, there is always one that holds") {
  const Unit unit;
  int fresh = 0;
  for (int hour = 0; hour < 30 * 24; ++hour) {
    const auto now = noon() + hours(hour);
    const auto issued = unit.certify_at(now);
    REQUIRE(issued);
    fresh += *issued == identity::Issued::fresh ? 1 : 0;
    REQUIRE(unit.holds_at(now));
  }
  CHECK(fresh >= 30);
  CHECK(fresh <= 48);
}

TEST_CASE("certificates: one of another key or another authority of the unit's is made anew") {
  const Unit unit;
  REQUIRE(unit.certify_at(noon()) == identity::Issued::fresh);
  fs::remove(unit.folder.path() / "nginx/key.pem");
  CHECK(unit.certify_at(noon()) == identity::Issued::fresh);
  CHECK(unit.holds_at(noon()));
  REQUIRE(identity::write_file(unit.folder.path() / "nginx/chain.pem",
                               "nonsense",
                               identity::Access::everybody,
                               identity::Existing::replace));
  CHECK(unit.certify_at(noon()) == identity::Issued::fresh);
}

TEST_CASE("certificates: none outlives the unit's authority, and an expired one issues none") {
  const Unit unit(hours(10));
  CHECK(unit.certify_at(noon()) == identity::Issued::fresh);
  CHECK(unit.holds_at(noon() + hours(9)));
  CHECK_FALSE(unit.holds_at(noon() + hours(10)));
  CHECK(unit.certify_at(noon() + hours(10)).error().code == ErrorCode::expired);
}

TEST_CASE("certificates: a unit that is not enrolled has none to give") {
  const tests::TemporaryFolder folder;
  CHECK_FALSE(certify({folder.path(), "nginx", folder.path() / "nginx", ""}, noon()));
  CHECK_FALSE(fs::exists(folder.path() / "nginx"));
}

}  // namespace
}  // namespace steward::edge::daemon_certificate_test
