#include "steward/cluster.hpp"

#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/unit_login.hpp"
#include "tests/support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace steward::station::cluster_test {
namespace {

namespace fs = std::filesystem;

const wire::Timestamp kNow = wire::parse_time("2026-11-21T12:00:00Z").value();

wire::NodeName node(std::string_view name) { return *wire::NodeName::parse(name); }

std::string text_of(const fs::path& file) { return identity::read_file(file).value(); }

std::map<std::string, std::string> files_below(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files.emplace(fs::relative(entry.path(), folder).string(), text_of(entry.path()));
    }
  }
  return files;
}

// In the order in which they are made.
const std::vector<std::string> kOrder{"cluster.json",
                                      "offline/operator.seed",
                                      "offline/operator-signing.seed",
                                      "offline/account.seed",
                                      "offline/people-signing.seed",
                                      "offline/system.seed",
                                      "offline/system-signing.seed",
                                      "station/unit-login.seed",
                                      "station/enrolling-login.seed",
                                      "station/message.key",
                                      "people/anna.key",
                                      "station/login.creds",
                                      "people/anna.creds",
                                      "people/anna.login",
                                      "offline/system.creds",
                                      "station/account",
                                      "broker/logins.conf",
                                      "broker/nats-server.conf",
                                      "offline/root.key",
                                      "root.crt",
                                      "station/authority.key",
                                      "station/authority.crt",
                                      "people/anna.tls/key.pem",
                                      "people/anna.tls/chain.pem",
                                      "policy.json",
                                      "policy.signed",
                                      "station/steward.toml",
                                      "root.pub"};

// The value behind a key of a nats-server's configuration.
std::string value_of(const std::string& text, const std::string& key) {
  const auto at = text.find(key + ": ");
  REQUIRE(at != std::string::npos);
  const auto begin = at + key.size() + 2;
  return text.substr(begin, text.find('\n', begin) - begin);
}

// Checks the whole chain of a login: operator, account, user. Gives the user's claims.
identity::UserClaims claims_of(const Cluster& cluster, const fs::path& login) {
  const auto configuration = text_of(cluster.path("broker/logins.conf"));
  const auto seed = identity::read_secret_file(cluster.path("offline/operator.seed"));
  const auto pinned = identity::NkeyPair::parse_seed(seed->view())->public_key();
  const auto above = identity::verify_operator(value_of(configuration, "operator"), pinned);
  REQUIRE(above);
  const auto account_name = text_of(cluster.path("station/account"));
  const auto account =
      identity::verify_account(value_of(configuration, account_name.substr(0, 56)), *above, kNow);
  REQUIRE(account);
  const auto secret = identity::read_secret_file(login);
  REQUIRE(secret);
  const auto credentials = identity::decode_credentials(secret->view());
  REQUIRE(credentials);
  const auto user = identity::verify_user(credentials->jwt, *account, kNow);
  REQUIRE(user);
  return *user;
}

TEST_CASE("cluster: what is made can be used: logins, policy, keys, all of one chain") {
  const tests::TemporaryFolder folder;
  const auto cluster = Cluster::make({folder.path() / "c", "demo", "station", "anna"}, kNow);
  REQUIRE(cluster);
  CHECK(claims_of(*cluster, cluster->path("station/login.creds")).name == "station");
  CHECK(claims_of(*cluster, cluster->path("people/anna.creds")).permissions ==
        person_rights(node("anna")));
  auto trust = cluster->station_trust(folder.path());
  REQUIRE(trust);
  const auto report = bus::inspect(*trust, kNow);
  CHECK(report.wrong.empty());
  CHECK(report.summary.find("cluster demo, policy version 1 until 2027-11-21") == 0);
  const auto person =
      identity::read_key_file(cluster->path("people/anna.key"), identity::no_passphrase);
  const auto policy = identity::Policy::parse(text_of(cluster->path("policy.json")));
  REQUIRE(policy);
  const auto* const signer = policy->find_signer(person->public_key().id());
  REQUIRE(signer != nullptr);
  CHECK(signer->source.str() == "/operator/anna");
  const auto unit = *wire::NodeName::parse("ship1");
  const auto key =
      identity::read_key_file(cluster->path("station/message.key"), identity::no_passphrase);
  REQUIRE(key);
  // What the station says to units by itself, and what it may not.
  const auto may = [&](const std::string& to, const std::string& payload) {
    auto command = wire::make_envelope(*wire::MessageId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
                                       wire::Source::node(node("station")),
                                       *wire::Subject::parse("ship1.command." + to),
                                       kNow);
    command.key_id = key->public_key().id();
    return policy->evaluate({command, payload, unit, kNow}).allowed;
  };
  CHECK(may("osupdate.system", R"({"op":"grant","run":"01ARZ3NDEKTSV4RRFFQ69G5FAV"})"));
  CHECK(!may("osupdate.system", R"({"op":"apply"})"));
  CHECK(may("facts.system", R"({"op":"tell"})"));
  CHECK(!may("facts.system", R"({"op":"set","labels":{"a":"b"}})"));
  CHECK(may("metrics.system", R"({"op":"schema"})"));
  CHECK(may("outbox.events", R"({"op":"recall","refs":["01ARZ3NDEKTSV4RRFFQ69G5FAV"]})"));
  CHECK(may("hello.agent", "{}"));
  CHECK(!may("shellcommand.operatingsystem", R"({"argv":["true"]})"));
  for (const auto* secret : {"offline/root.key", "offline/account.seed", "station/login.creds"}) {
    CHECK((fs::status(cluster->path(secret)).permissions() & fs::perms::all) ==
          (fs::perms::owner_read | fs::perms::owner_write));
  }
}

TEST_CASE("cluster: a station's rights name what it uses, and a person's none of JetStream") {
  const auto station = station_rights(node("station"));
  for (const auto& subject : station.publish) {
    CAPTURE(subject);
    CHECK(subject != ">");
    CHECK(subject.find("$JS.API.>") == std::string::npos);
    CHECK(subject.find("PURGE") == std::string::npos);
    CHECK(subject.find("STREAM.DELETE") == std::string::npos);
  }
  CHECK(std::count(station.subscribe.begin(), station.subscribe.end(), "_INBOX.station.>") == 1);
  CHECK(std::count(station.subscribe.begin(), station.subscribe.end(), "_INBOX.>") == 0);
  CHECK(person_rights(node("anna")) == identity::Permissions{{"*.command.>",
                                                              "$JS.API.STREAM.INFO.LOGS",
                                                              "$JS.API.STREAM.MSG.GET.LOGS",
                                                              "$JS.API.CONSUMER.CREATE.LOGS.*",
                                                              "$JS.API.CONSUMER.DELETE.LOGS.*",
                                                              "$JS.FC.LOGS.>"},
                                                             {"*.event.>", "_INBOX.anna.>"}});
}

TEST_CASE("cluster: after an interruption anywhere it is completed, and nothing is made twice") {
  const tests::TemporaryFolder folder;
  const auto whole = folder.path() / "whole";
  REQUIRE(Cluster::make({whole, "demo", "station", "anna"}, kNow));
  const auto count = kOrder.size();
  REQUIRE(files_below(whole).size() == count);
  for (std::size_t made = 0; made < count; ++made) {
    CAPTURE(made);
    const auto part = folder.path() / ("part-" + std::to_string(made));
    fs::copy(whole, part, fs::copy_options::recursive);
    for (std::size_t i = made; i < count; ++i) {
      REQUIRE(fs::remove(part / kOrder[i]));
    }
    const auto before = files_below(part);
    const auto cluster = Cluster::make({part, "demo", "station", "anna"}, kNow);
    REQUIRE(cluster);
    const auto after = files_below(part);
    CHECK(after.size() == count);
    for (const auto& file : before) {
      CAPTURE(file.first);
      CHECK(after.at(file.first) == file.second);
    }
    CHECK(claims_of(*cluster, cluster->path("station/login.creds")).name == "station");
    CHECK(bus::inspect(*cluster->station_trust(folder.path()), kNow).wrong.empty());
  }
}

TEST_CASE("cluster: one that is whole stays as it is when its offline part was carried away") {
  const tests::TemporaryFolder folder;
  const ClusterPlan plan{folder.path() / "c", "demo", "station", "anna"};
  REQUIRE(Cluster::make(plan, kNow));
  fs::remove_all(plan.folder / "offline");
  const auto before = files_below(plan.folder);
  REQUIRE(Cluster::make(plan, kNow));
  CHECK(files_below(plan.folder) == before);
}

TEST_CASE("cluster: the folder of another cluster is a conflict, a bad name is refused") {
  const tests::TemporaryFolder folder;
  REQUIRE(Cluster::make({folder.path() / "c", "demo", "station", "anna"}, kNow));
  CHECK(Cluster::make({folder.path() / "c", "other", "station", "anna"}, kNow).error().code ==
        ErrorCode::conflict);
  CHECK(Cluster::make({folder.path() / "d", "*", "station", "anna"}, kNow).error().code ==
        ErrorCode::bad_config);
  CHECK(Cluster::make({folder.path() / "d", "demo", "anna", "anna"}, kNow).error().code ==
        ErrorCode::bad_config);
  CHECK(Cluster::open(folder.path() / "d").error().code == ErrorCode::not_found);
  CHECK(Cluster::open(folder.path() / "c")->plan().person == "anna");
}

TEST_CASE("cluster: a unit has a login of its own name; the name with another key is a conflict") {
  const tests::TemporaryFolder folder;
  const auto cluster = Cluster::make({folder.path() / "c", "demo", "station", "anna"}, kNow);
  REQUIRE(cluster);
  const auto ship = folder.path() / "ship1";
  const auto add = [&](const fs::path& place) {
    return cluster->add_unit(node("ship1"), place, "nats://127.0.0.1:4222", "", kNow);
  };
  REQUIRE(add(ship));
  const auto user = claims_of(*cluster, ship / "login.creds");
  CHECK(user.name == "ship1");
  CHECK_FALSE(user.permissions);  // a unit's, by its scope
  CHECK(user.expires == kNow + identity::kLoginLife);
  const auto renewal = claims_of(*cluster, ship / "renewal.creds");
  CHECK(renewal.key == user.key);
  CHECK(renewal.name == "ship1");
  const auto before = files_below(ship);
  REQUIRE(add(ship));
  CHECK(files_below(ship) == before);
  // Interrupted between the two logins: they are of one key all the same.
  fs::remove(ship / "login.creds");
  REQUIRE(add(ship));
  CHECK(claims_of(*cluster, ship / "login.creds").key == renewal.key);
  CHECK(add(folder.path() / "impostor").error().code == ErrorCode::conflict);
  CHECK_FALSE(fs::exists(folder.path() / "impostor/login.creds"));
}

}  // namespace
}  // namespace steward::station::cluster_test
