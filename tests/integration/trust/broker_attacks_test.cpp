// What whoever has a login, the broker itself or a stolen station can try, against a broker that
// holds everybody to his rights.
#include "subjects/identity/files.hpp"
#include "subjects/identity/jwt.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/login_configuration.hpp"
#include "subjects/identity/signed_document.hpp"
#include "subjects/identity/unit_login.hpp"
#include "tests/integration/trust/fleet.hpp"
#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace steward::tests::broker_attacks_test {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<bus::NatsBus> login(const Fleet& fleet,
                                    const fs::path& credentials,
                                    const std::string& name) {
  bus::NatsOptions options;
  options.servers = {fleet.url()};
  options.credentials_file = credentials.string();
  options.inbox_prefix = "_INBOX." + name;
  auto link = bus::NatsBus::open(std::move(options)).value();
  REQUIRE(link->wait_until_up(std::chrono::seconds(20)));
  return link;
}

void add_unit(const Fleet& fleet, const std::string& name) {
  const auto added = our("steward unit " + name + " --cluster-dir " + fleet.made().string() +
                         " --out " + fleet.path(name).string() + " --broker " + fleet.url());
  REQUIRE_MESSAGE(added.exit_code == 0, added.text);
}

bool is_up(const Fleet& fleet, const std::string& name) {
  return fleet.ctl("units " + name + " --state up -o name").text == name + "\n";
}

TEST_CASE("trust: what the broker itself is made to say on another unit's subject is no command") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  add_unit(*fleet, "ship1");
  add_unit(*fleet, "ship2");
  fleet->start_station();
  const Process agent("steward-edge", fleet->path("ship1") / "edge.toml", fleet->path("ship1.log"));
  REQUIRE(eventually([&] { return is_up(*fleet, "ship1"); }));
  const auto ship2 = login(*fleet, fleet->path("ship2") / "login.creds", "ship2");
  // The stream's acknowledgement goes where the publisher may not publish.
  for (const auto* target : {"ship1.command.shellcommand.operatingsystem",
                             "ship1.command.policy.document",
                             "ship1.command.enroll.login",
                             "@all.command.shellcommand.operatingsystem"}) {
    CAPTURE(target);
    REQUIRE(ship2->publish({"ship2.event.ack.shellcommand", {}, "{}", target}));
  }
  CHECK(eventually([&] { return agent.said("a message was dropped"); }));
  const auto run = fleet->ctl("run ship1 --wait 60s -- echo carried out 2>&1");
  CHECK_MESSAGE(run.text.find("carried out") != std::string::npos, run.text);
  CHECK(ship2->status().denials == 0);
}

TEST_CASE("trust: a login that is another's, or of another signer, takes no unit's own place") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  add_unit(*fleet, "ship1");
  fleet->start_station();
  const Process agent("steward-edge", fleet->path("ship1") / "edge.toml", fleet->path("ship1.log"));
  REQUIRE(eventually([&] { return is_up(*fleet, "ship1"); }));
  const auto file = fleet->path("ship1") / "login.creds";
  const auto before = identity::tests::contents(file);
  const auto user = identity::decode_credentials(before)->user.public_key();
  const identity::tests::Broker foreign;
  const auto anna = login(*fleet, fleet->made() / "people/anna.creds", "anna");
  const bus::Channel as_anna(
      *wire::Source::parse("/operator/anna"), wire::Completeness::filled_in, bus::system_ids());
  const auto envelope =
      as_anna.envelope(*wire::Subject::parse("ship1.command.enroll.login"), now());
  const auto jwt =
      identity::sign_unit_login(*wire::NodeName::parse("ship1"), user, foreign.login_keys(), now());
  REQUIRE(anna->publish(as_anna.seal(envelope, jwt.value())));
  CHECK(eventually([&] {
    return agent.said("a login that came over the bus was not taken: denied: the login is another");
  }));
  // Nor does the station sign one for whoever asks in a unit's name.
  const auto ship1 = login(*fleet, file, "ship1");
  const bus::Channel unsigned_one(wire::Source::node(*wire::NodeName::parse("ship1")),
                                  wire::Completeness::filled_in,
                                  bus::system_ids());
  const auto wish = unsigned_one.envelope(*wire::Subject::parse("ship1.event.enroll.renew"), now());
  REQUIRE(ship1->publish(unsigned_one.seal(wish, "{}")));
  CHECK(eventually([&] {
    return identity::tests::contents(fleet->path("station.log"))
               .find("enrollment, ship1.event.enroll.renew: unsigned") != std::string::npos;
  }));
  const bool is_as_before = identity::tests::contents(file) == before;
  CHECK(is_as_before);
}

TEST_CASE("trust: an account of another operator, an older or another one changes no login") {
  const auto fleet = Fleet::make_managed();
  if (!fleet) {
    return;
  }
  const auto file = fleet->made() / "broker/logins.conf";
  const auto before = identity::tests::contents(file);
  const auto present = identity::LoginConfiguration::parse(before, now()).value();
  const identity::tests::Broker foreign;
  const auto signing = identity::NkeyPair::parse_seed(
      identity::read_secret_file(fleet->made() / "offline/operator-signing.seed")->view());
  REQUIRE(signing);
  // The same account in another operator's word; and what this operator has signed of others.
  auto other = present.account();
  other.key = foreign.account.public_key();

  struct Row {
    std::string attack;
    std::string jwt;
    std::string word;
  };

  const std::vector<Row> rows{
      {"another operator's",
       identity::sign_account(present.account(), foreign.operator_signing, now()).value(),
       "bad_signature"},
      {"of another account", identity::sign_account(other, *signing, now()).value(), "denied"},
      {"older, without a revocation",
       identity::sign_account(present.account(), *signing, now() - std::chrono::hours(1)).value(),
       "denied"},
      {"nonsense", "nonsense", "bad_payload"}};
  const auto anna = login(*fleet, fleet->made() / "people/anna.creds", "anna");
  for (const auto& [attack, jwt, word] : rows) {
    CAPTURE(attack);
    // Judged by the rule that the station goes by, word for word.
    CHECK(steward::word(present.with_account(jwt, now()).error().code) == word);
    REQUIRE(anna->publish({"station.command.logins.account", {}, jwt, ""}));
  }
  CHECK(eventually([&] {
    return identity::tests::contents(fleet->path("station.log"))
               .find("logins that came over the bus were not taken: bad_signature") !=
           std::string::npos;
  }));
  CHECK(identity::tests::contents(file) == before);
  CHECK(eventually([&] { return fleet->ctl("units -o name").exit_code == 0; }));
}

TEST_CASE("trust: a policy that others than the root have signed is taken by nobody") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  add_unit(*fleet, "ship1");
  fleet->start_station();
  const Process agent("steward-edge", fleet->path("ship1") / "edge.toml", fleet->path("ship1.log"));
  REQUIRE(eventually([&] { return is_up(*fleet, "ship1"); }));
  const auto anna = login(*fleet, fleet->made() / "people/anna.creds", "anna");
  auto text = identity::tests::contents(fleet->made() / "policy.json");
  text.replace(text.find("\"version\": 1"), 12, "\"version\": 9");
  for (const auto* key : {"station/message.key", "people/anna.key"}) {
    CAPTURE(key);
    const auto out = fleet->path("forged").string();
    std::filesystem::remove(out);
    const auto key_file = identity::read_key_file(fleet->made() / key, identity::no_passphrase);
    REQUIRE(key_file);
    const auto forged = identity::sign_document(identity::Purpose::policy, text, *key_file).value();
    const bus::Channel channel(
        *wire::Source::parse("/operator/anna"), wire::Completeness::filled_in, bus::system_ids());
    auto envelope = channel.envelope(*wire::Subject::parse("@all.command.policy.document"), now());
    envelope.content_type = "text/plain";
    REQUIRE(anna->publish(channel.seal(envelope, forged)));
  }
  CHECK(eventually([&] { return agent.said("was not taken: bad_signature"); }));
  const auto shown = fleet->ctl("show ship1");
  CHECK_MESSAGE(shown.text.find("policy         1") != std::string::npos, shown.text);
}

TEST_CASE("trust: a login whose name is a wildcard is signed by nobody of ours, and good nowhere") {
  const auto fleet = Fleet::make();
  if (!fleet) {
    return;
  }
  const auto keys = identity::read_unit_login_keys(fleet->made() / "station").value();
  const auto user = identity::NkeyPair::generate(identity::NkeyKind::user).value();
  for (const auto* name : {"*", ">", "ship1.>", "Ship1", ""}) {
    CAPTURE(name);
    const auto signed_one =
        identity::sign_user({user.public_key(), name, keys.account, std::nullopt, std::nullopt},
                            keys.unit_scope,
                            now());
    REQUIRE_FALSE(signed_one);
    CHECK(signed_one.error().code == ErrorCode::bad_config);
    CHECK(our("stewardctl enroll token '" + std::string(name) + "' --dir " + fleet->made().string())
              .exit_code == 2);
    CHECK(our("steward unit '" + std::string(name) + "' --out " + fleet->path("x").string() +
              " --cluster-dir " + fleet->made().string())
              .exit_code == 2);
  }
  // Made without us by whoever has the key, as a stolen station: a broker takes it, we do not.
  auto claims = identity::open_jwt(identity::sign_unit_login(
                                       *wire::NodeName::parse("x"), user.public_key(), keys, now())
                                       .value())
                    .value();
  claims["name"] = "*";
  const auto forged = identity::sign_jwt(claims, keys.unit_scope).value();
  const auto text = identity::tests::contents(fleet->made() / "broker/logins.conf");
  const auto account = identity::LoginConfiguration::parse(text, now()).value().account();
  CHECK(identity::verify_user(forged, account, now()).error().code == ErrorCode::bad_subject);
  CHECK(identity::read_login(forged).error().code == ErrorCode::bad_payload);
}

}  // namespace
}  // namespace steward::tests::broker_attacks_test
