// Whoever is revoked is out: of the broker at once, and of what units believe.
#include "subjects/identity/files.hpp"
#include "subjects/identity/known_units.hpp"
#include "subjects/identity/login_configuration.hpp"
#include "tests/integration/trust/fleet.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>

namespace steward::tests::revoke_test {
namespace {

namespace fs = std::filesystem;

// Units of a fleet that run here.
class Units {
 public:
  explicit Units(const Fleet& fleet) : fleet_(fleet) {}

  void start(const std::string& name) {
    const auto place = fleet_.path(name);
    const auto added = our("steward unit " + name + " --cluster-dir " + fleet_.made().string() +
                           " --out " + place.string() + " --broker " + fleet_.url());
    REQUIRE_MESSAGE(added.exit_code == 0, added.text);
    running_.push_back(
        std::make_unique<Process>("steward-edge", place / "edge.toml", fleet_.path(name + ".log")));
    REQUIRE(eventually([&] { return is_up(name); }));
  }

  bool is_up(const std::string& name) const {
    return fleet_.ctl("units " + name + " --state up -o name").text == name + "\n";
  }

  // Whether the broker lets anybody in by that unit's login.
  bool may_log_in(const std::string& name) const {
    bus::NatsOptions options;
    options.servers = {fleet_.url()};
    options.credentials_file = (fleet_.path(name) / "login.creds").string();
    options.inbox_prefix = "_INBOX." + name;
    const auto link = bus::NatsBus::open(std::move(options)).value();
    return link->wait_until_up(std::chrono::seconds(3)).has_value();
  }

 private:
  const Fleet& fleet_;
  std::vector<std::unique_ptr<Process>> running_;
};

identity::tests::Said revoke(const Fleet& fleet, const fs::path& folder, const std::string& who) {
  return fleet.ctl("revoke " + who + " --wait 60s --dir " + folder.string() + " 2>&1");
}

// By the files of that folder.
void check_revocation(const Fleet& fleet, const fs::path& folder) {
  Units units(fleet);
  units.start("ship1");
  units.start("ship2");
  REQUIRE(units.may_log_in("ship1"));
  if (folder != fleet.made()) {
    fs::copy(fleet.made() / "station/units",
             folder / "station/units",
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }
  const auto done = revoke(fleet, folder, "ship1 --yes");
  CHECK_MESSAGE(done.exit_code == 0, done.text);
  CHECK_MESSAGE(done.text.find("ship1: cut off from the broker") != std::string::npos, done.text);
  CHECK_MESSAGE(done.text.find("version 2: on 1 unit, 0 there without it") != std::string::npos,
                done.text);
  CHECK_FALSE(units.may_log_in("ship1"));
  CHECK(eventually([&] { return !units.is_up("ship1"); }));
  // Nobody else is disturbed.
  const auto run = fleet.ctl("run ship2 --wait 60s -- echo carried out 2>&1");
  CHECK_MESSAGE(run.text.find("carried out") != std::string::npos, run.text);
  // Its name is gone for good, and revoking it again does no harm.
  fs::rename(fleet.path("ship1") / "login.creds", fleet.path("creds"));
  const auto back = our("steward unit ship1 --cluster-dir " + fleet.made().string() + " --out " +
                        fleet.path("ship1").string());
  CHECK(back.exit_code == 2);
  CHECK_MESSAGE(back.text.find("ship1 was revoked") != std::string::npos, back.text);
  fs::rename(fleet.path("creds"), fleet.path("ship1") / "login.creds");
  const auto again = revoke(fleet, folder, "ship1 --yes");
  CHECK_MESSAGE(again.exit_code == 0, again.text);
  CHECK(again.text.find("version 2:") != std::string::npos);
}

TEST_CASE("trust: a revoked unit is cut off from one's own broker, also after its restart") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  fleet->start_station();
  check_revocation(*fleet, fleet->made());
  fleet->restart_broker();
  const Units units(*fleet);
  CHECK(units.may_log_in("ship2"));
  CHECK_FALSE(units.may_log_in("ship1"));
}

TEST_CASE("trust: a revoked unit is cut off from the broker that the station runs") {
  const auto fleet = Fleet::make_managed();
  if (!fleet) {
    return;
  }
  // As carried away: what is written there comes to the station by the bus alone.
  const auto folder = fleet->path("carried");
  fs::copy(fleet->made(), folder, fs::copy_options::recursive);
  fs::remove_all(fleet->made() / "offline");
  const auto logins = fleet->made() / "broker/logins.conf";
  const auto before = identity::tests::contents(logins);
  check_revocation(*fleet, folder);
  const bool changed = identity::tests::contents(logins) != before;
  CHECK(changed);
}

TEST_CASE("trust: ten thousand revocations come into force at once, and whoever is in is out") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  REQUIRE(our("steward unit ship1 --cluster-dir " + fleet->made().string() + " --out " +
              fleet->path("ship1").string())
              .exit_code == 0);
  const auto login = [&fleet](const fs::path& file, const std::string& name) {
    bus::NatsOptions options;
    options.servers = {fleet->url()};
    options.credentials_file = file.string();
    options.inbox_prefix = "_INBOX." + name;
    auto link = bus::NatsBus::open(std::move(options)).value();
    REQUIRE(link->wait_until_up(std::chrono::seconds(20)));
    return link;
  };
  const auto unit = login(fleet->path("ship1") / "login.creds", "ship1");
  const auto revoker = login(fleet->made() / "offline/system.creds", "revoker");
  std::vector<identity::Nkey> users{
      identity::known_unit(fleet->made() / "station/units", *wire::NodeName::parse("ship1"))
          ->login};
  while (users.size() < identity::kMostRevocations) {
    users.push_back(identity::NkeyPair::generate(identity::NkeyKind::user)->public_key());
  }
  const auto present = identity::LoginConfiguration::parse(
      identity::tests::contents(fleet->made() / "broker/nats-server.conf"), now());
  REQUIRE(present);
  const auto signing = identity::NkeyPair::parse_seed(
      identity::read_secret_file(fleet->made() / "offline/operator-signing.seed")->view());
  REQUIRE(signing);
  const auto jwt = present->revoke(users, *signing, now() + std::chrono::seconds(1));
  REQUIRE(jwt);
  const auto inbox = revoker->new_inbox();
  std::atomic<bool> taken{false};
  const auto heard = revoker->subscribe(inbox, [&taken](bus::Message&& answer) {
    taken = answer.payload.find("\"code\":200") != std::string::npos;
  });
  REQUIRE(heard);
  REQUIRE(revoker->flush(std::chrono::seconds(20)));
  const auto begun = std::chrono::steady_clock::now();
  REQUIRE(revoker->publish({"$SYS.REQ.CLAIMS.UPDATE", {}, *jwt, inbox}));
  const auto since = [&begun] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 begun);
  };
  REQUIRE(eventually([&] { return taken.load(); }));
  const auto pushed = since();
  REQUIRE(eventually([&] { return unit->status().state != bus::LinkState::up; }));
  MESSAGE("bytes: ",
          jwt->size(),
          ", in force after ",
          pushed.count(),
          " ms, cut off after ",
          since().count(),
          " ms");
  CHECK(since() < std::chrono::seconds(5));
}

TEST_CASE("trust: a unit that was let in by file and then revoked gets no other bundle") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  const auto place = fleet->path("ship7");
  REQUIRE(our("steward-edge init --name ship7 --cluster fleet --root " + fleet->root() +
              " --broker " + fleet->url() + " --dir " + place.string())
              .exit_code == 0);
  const auto sign = "stewardctl ca sign " + (place / "ship7.req").string() + " --yes --dir " +
                    fleet->made().string();
  REQUIRE(our(sign).exit_code == 0);
  REQUIRE(revoke(*fleet, fleet->made(), "ship7 --yes --only-files").exit_code == 0);
  const auto refused = our(sign);
  CHECK(refused.exit_code == 6);
  CHECK_MESSAGE(refused.text.find("ship7 was revoked") != std::string::npos, refused.text);
  // Its authority is denied, too: no other node takes a daemon of its.
  const auto policy = identity::tests::contents(fleet->made() / "policy.json");
  const auto login = identity::tests::contents(fleet->made() / "station/units/ship7.login");
  const auto authority = login.substr(login.find('\n') + 1, 32);
  CHECK(policy.find(authority) != std::string::npos);
}

TEST_CASE("trust: what cannot be revoked is said, and changes nothing") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  const auto before = identity::tests::contents(fleet->made() / "broker/logins.conf");
  const auto dir = " --dir " + fleet->made().string();

  struct Wrong {
    std::string arguments;
    int exit_code;
    std::string says;
  };

  for (const auto& [arguments, exit_code, says] :
       {Wrong{"ship9 --yes" + dir, 3, "no unit of this cluster is named ship9"},
        Wrong{"--operator eve --yes" + dir, 3, "the policy names no operator eve"},
        Wrong{"ship9 --yes", 2, "--dir is missing"},
        Wrong{"--yes" + dir, 2, "name units, or an operator"},
        Wrong{"'ship*' --yes" + dir, 2, "ship*"},
        Wrong{"ship9" + dir + " </dev/null", 2, "write --yes"},
        Wrong{"ship9 --yes --dir /nowhere", 2, "/nowhere/offline/root.key"}}) {
    CAPTURE(arguments);
    const auto said = fleet->ctl("revoke " + arguments + " 2>&1");
    CHECK(said.exit_code == exit_code);
    CHECK_MESSAGE(said.text.find(says) != std::string::npos, said.text);
  }
  CHECK(identity::tests::contents(fleet->made() / "broker/logins.conf") == before);
}

}  // namespace
}  // namespace steward::tests::revoke_test
