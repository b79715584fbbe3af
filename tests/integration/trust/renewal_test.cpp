// Logins of units are short and go on by themselves, also after a long silence.
#include "subjects/identity/authority.hpp"
#include "subjects/identity/enrollment.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/unit_login.hpp"
#include "tests/integration/trust/fleet.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace steward::tests::renewal_test {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::seconds;

// Logins that this fleet's station signs last so long.
void set_life(const Fleet& fleet, int life) {
  const auto file = fleet.made() / "station/steward.toml";
  auto text = identity::tests::contents(file);
  const std::string head = "[logins]\n";
  text.insert(text.find(head) + head.size(), "life_s = " + std::to_string(life) + "\n");
  std::ofstream(file) << text;
}

void add_unit(const Fleet& fleet, const std::string& name) {
  const auto added = our("steward unit " + name + " --cluster-dir " + fleet.made().string() +
                         " --out " + fleet.path(name).string() + " --broker " + fleet.url());
  REQUIRE_MESSAGE(added.exit_code == 0, added.text);
}

// As one that was signed then, and has been asked to be another one for nobody since.
void set_login(const Fleet& fleet, const std::string& name, wire::Timestamp issued, seconds life) {
  const auto file = fleet.path(name) / "login.creds";
  const auto text = identity::read_secret_file(file);
  REQUIRE(text);
  const auto present = identity::decode_credentials(text->view());
  REQUIRE(present);
  const auto keys = identity::read_unit_login_keys(fleet.made() / "station");
  REQUIRE(keys);
  const auto jwt = identity::sign_unit_login(
      *wire::NodeName::parse(name), present->user.public_key(), *keys, issued, life);
  REQUIRE(jwt);
  REQUIRE(identity::write_file(file,
                               identity::encode_credentials(*jwt, present->user).view(),
                               identity::Access::owner_only,
                               identity::Existing::replace));
}

bool is_up(const Fleet& fleet, const std::string& name) {
  return fleet.ctl("units " + name + " --state up -o name").text == name + "\n";
}

TEST_CASE("trust: a unit that was silent for sixty days comes back alone, and stays by itself") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  set_life(*fleet, 6);
  add_unit(*fleet, "ship1");
  set_login(*fleet, "ship1", now() - hours(24 * 60), hours(24 * 7));
  fleet->start_station();
  const auto place = fleet->path("ship1");
  const Process agent("steward-edge", place / "edge.toml", fleet->path("unit.log"));
  CHECK(eventually([&] { return agent.said("asking for another one by the second"); }));
  REQUIRE(eventually([&] { return is_up(*fleet, "ship1"); }));
  // From one login to the next, past the ends of several.
  std::set<std::string> logins;
  REQUIRE(eventually([&] {
    logins.insert(identity::tests::contents(place / "login.creds"));
    return logins.size() == 4;  // the expired one, and three more
  }));
  const auto run = fleet->ctl("run ship1 --wait 60s -- echo carried out 2>&1");
  CHECK_MESSAGE(run.text.find("carried out") != std::string::npos, run.text);
  CHECK(fleet->ctl("units -o json").text.find("\"login_expires_ms\":") != std::string::npos);
}

TEST_CASE("trust: a unit whose certificate ends soon asks by itself, and one approval renews it") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  fleet->start_station();
  const auto place = fleet->path("ship7");
  REQUIRE(our("steward-edge init --name ship7 --cluster fleet --root " + fleet->root() +
              " --broker " + fleet->url() + " --dir " + place.string())
              .exit_code == 0);
  const auto file = (place / "ship7.req").string();
  REQUIRE(our("stewardctl ca sign " + file + " --yes --dir " + fleet->made().string()).exit_code ==
          0);
  // The same bundle, but for a certificate that ends in ten days.
  const auto root =
      identity::read_key_file(fleet->made() / "offline/root.key", identity::no_passphrase);
  REQUIRE(root);
  auto bundle = identity::read_enrollment_bundle(identity::tests::contents(place / "ship7.bundle"),
                                                 {root->public_key()});
  REQUIRE(bundle);
  bundle->authority =
      identity::issue_authority(bundle->node,
                                bundle->authority.public_key(),
                                bundle->root,
                                *root,
                                {bundle->authority.validity().from, now() + hours(24 * 10)})
          .value();
  std::ofstream(place / "short.bundle") << identity::make_enrollment_bundle(*bundle, *root).value();
  REQUIRE(
      our("steward-edge enroll " + (place / "short.bundle").string() + " --dir " + place.string())
          .exit_code == 0);
  const Process agent("steward-edge", place / "edge.toml", fleet->path("unit.log"));
  REQUIRE(eventually(
      [&] { return fleet->ctl("enroll ls").text.find("pending") != std::string::npos; }));
  CHECK(eventually([&] {
    return fleet->ctl("show ship7").text.find("identity ends  in 9d") != std::string::npos;
  }));
  const auto done =
      fleet->ctl("enroll approve ship7 --yes --dir " + fleet->made().string() + " 2>&1");
  CHECK_MESSAGE(done.exit_code == 0, done.text);
  CHECK(eventually([&] {
    return fleet->ctl("show ship7").text.find("identity ends  in 364d") != std::string::npos;
  }));
}

TEST_CASE("trust: whoever is revoked gets no other login, neither by the first nor by the second") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  set_life(*fleet, 6);
  add_unit(*fleet, "ship1");
  set_login(*fleet, "ship1", now(), seconds(20));
  fleet->start_station();
  const auto place = fleet->path("ship1");
  const Process agent("steward-edge", place / "edge.toml", fleet->path("unit.log"));
  REQUIRE(eventually([&] { return is_up(*fleet, "ship1"); }));
  const auto done =
      fleet->ctl("revoke ship1 --yes --wait 5s --dir " + fleet->made().string() + " 2>&1");
  REQUIRE_MESSAGE(done.text.find("ship1: cut off from the broker") != std::string::npos, done.text);
  CHECK(eventually([&] { return agent.said("asking for another one by the second"); }));
  // Even one that the station would sign afterwards is good for nothing.
  set_login(*fleet, "ship1", now() + seconds(5), hours(1));
  bus::NatsOptions options;
  options.servers = {fleet->url()};
  options.inbox_prefix = "_INBOX.ship1";
  for (const auto* file : {"login.creds", "renewal.creds"}) {
    CAPTURE(file);
    options.credentials_file = (place / file).string();
    const auto link = bus::NatsBus::open(options).value();
    CHECK_FALSE(link->wait_until_up(seconds(2)));
    CHECK(link->refused());
  }
}

}  // namespace
}  // namespace steward::tests::renewal_test
