// Logins of our own making against a real nats-server: what it takes, holds and refuses, and that
// our own verdict is the same.
#include "subjects/identity/broker_login.hpp"

#include "subjects/bus/nats_bus.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/jwt.hpp"
#include "subjects/identity/login_configuration.hpp"
#include "tests/subjects/identity/identities.hpp"
#include "tests/subjects/identity/logins.hpp"
#include "tests/support/nats_server.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace steward::identity::broker_login_test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::Broker;
using tests::fixed_nkey;
using tests::Folder;
using tests::the_real_now;

constexpr seconds kPatience{20};

NkeyPair user_key() { return fixed_nkey(NkeyKind::user, 0x70); }

// A broker that knows our operator, and logins to it.
struct World {
  Folder folder;
  Broker broker;
  std::unique_ptr<steward::tests::NatsServer> server;
  int logins = 0;

  World() {
    const auto configuration = folder / "broker.conf";
    REQUIRE(write_file(
        configuration, broker.configuration(the_real_now()), Access::owner_only, Existing::keep));
    steward::tests::NatsServer::Options options;
    options.arguments = {"-c", configuration.string()};
    server = steward::tests::NatsServer::start(std::move(options));
  }

  std::unique_ptr<bus::NatsBus> open(std::string_view jwt,
                                     const NkeyPair& key,
                                     const std::string& name) {
    const auto file = folder / ("login" + std::to_string(++logins) + ".creds");
    REQUIRE(
        write_file(file, encode_credentials(jwt, key).view(), Access::owner_only, Existing::keep));
    bus::NatsOptions options;
    options.servers = {server->url()};
    options.credentials_file = file.string();
    options.inbox_prefix = "_INBOX." + name;
    return bus::NatsBus::open(std::move(options)).value();
  }

  std::string unit_jwt(const std::string& name) const {
    return sign_user(broker.user(user_key(), name), broker.unit_scope, the_real_now()).value();
  }
};

bool comes_up(bus::NatsBus& link) { return link.wait_until_up(kPatience).has_value(); }

// The broker says no; one that is in is thrown out.
bool is_refused(bus::NatsBus& link, milliseconds patience = kPatience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    const auto status = link.status();
    if (status.state == bus::LinkState::up) {
      std::this_thread::sleep_for(milliseconds(10));
      continue;
    }
    if (status.last_error.find("uthoriz") != std::string::npos ||
        status.last_error.find("uthentic") != std::string::npos) {
      return true;
    }
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

// How many of these the broker denies, as subscriptions or as publishes.
std::uint64_t denied(bus::NatsBus& link,
                     const std::vector<std::string>& subscribe,
                     const std::vector<std::string>& publish) {
  const auto before = link.status().denials;
  std::vector<std::unique_ptr<bus::Subscription>> held;
  for (const auto& subject : subscribe) {
    held.push_back(link.subscribe(subject, [](bus::Message&&) {}).value());
  }
  for (const auto& subject : publish) {
    REQUIRE(link.publish({subject, {}, "{}", ""}));
  }
  REQUIRE(link.flush(kPatience));
  // The denials are told on another thread of the link's, in order, soon after.
  const auto until = std::chrono::steady_clock::now() + seconds(2);
  while (std::chrono::steady_clock::now() < until &&
         link.status().denials < before + subscribe.size() + publish.size()) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  return link.status().denials - before;
}

}  // namespace

TEST_CASE("broker login: a unit gets in by our JWT, with the rights of a unit and no more") {
  World world;
  if (!world.server) {
    return;
  }
  const auto link = world.open(world.unit_jwt("ship1"), user_key(), "ship1");
  REQUIRE(comes_up(*link));
  CHECK(denied(*link,
               {"ship1.command.>",
                "@all.command.>",
                "*.event.received.ship1",
                "_INBOX.ship1.>",
                "ship1.command.shellcommand.operatingsystem"},
               {"ship1.event.ack.shellcommand", "ship1.event.hello.agent"}) == 0);
  const std::vector<std::string> heard{">",
                                       "*.command.>",
                                       "ship2.command.>",
                                       "*.event.received.ship2",
                                       "ship1.event.>",
                                       "_INBOX.>",
                                       "_INBOX.ship2.x",
                                       "$SYS.>",
                                       "$JS.API.>"};
  const std::vector<std::string> said{"ship1.command.shellcommand.operatingsystem",
                                      "ship2.command.shellcommand.operatingsystem",
                                      "ship2.event.ack.shellcommand",
                                      "station.event.received.ship1",
                                      "@all.command.hello.agent",
                                      "$JS.API.STREAM.PURGE.COMMANDS",
                                      "$JS.API.CONSUMER.CREATE.COMMANDS",
                                      "_INBOX.ship2.x"};
  for (const auto& subject : heard) {
    CAPTURE(subject);
    CHECK(denied(*link, {subject}, {}) == 1);
  }
  for (const auto& subject : said) {
    CAPTURE(subject);
    CHECK(denied(*link, {}, {subject}) == 1);
  }
  CHECK(link->status().state == bus::LinkState::up);
}

TEST_CASE("broker login: who is not enrolled can ask for that and do nothing else") {
  World world;
  if (!world.server) {
    return;
  }
  const auto jwt =
      sign_user(world.broker.user(user_key(), "ship7"), world.broker.enroll_scope, the_real_now())
          .value();
  const auto link = world.open(jwt, user_key(), "ship7");
  REQUIRE(comes_up(*link));
  CHECK(denied(*link,
               {"ship7.command.enroll.>", "_INBOX.ship7.>"},
               {"ship7.event.enroll.request"}) == 0);
  for (const auto* subject : {"ship7.command.>", "ship1.command.enroll.>", "@all.command.>"}) {
    CAPTURE(subject);
    CHECK(denied(*link, {subject}, {}) == 1);
  }
  for (const auto* subject : {"ship7.event.hello.agent", "ship1.event.enroll.request"}) {
    CAPTURE(subject);
    CHECK(denied(*link, {}, {subject}) == 1);
  }
}

TEST_CASE("broker login: a user of a plain signing key has exactly what its JWT allows") {
  World world;
  if (!world.server) {
    return;
  }
  auto claims = world.broker.user(user_key(), "anna");
  claims.permissions = Permissions{{"*.command.>"}, {}};
  const auto jwt = sign_user(claims, world.broker.people, the_real_now()).value();
  const auto link = world.open(jwt, user_key(), "anna");
  REQUIRE_MESSAGE(comes_up(*link), world.server->log());
  CHECK(denied(*link, {}, {"ship1.command.hello.agent"}) == 0);
  CHECK(denied(*link, {}, {"ship1.event.hello.agent"}) == 1);
  CHECK(denied(*link, {"ship1.event.>"}, {}) == 1);  // an empty list allows nothing
}

TEST_CASE("broker login: broker and our own verdict agree on what is refused") {
  World world;
  if (!world.server) {
    return;
  }
  const Broker foreign(0x50);
  const auto now = the_real_now();
  const auto good = world.unit_jwt("ship1");
  const auto forged = [](const std::string& jwt, const NkeyPair& signer, auto change) {
    auto claims = open_jwt(jwt).value();
    change(claims);
    return sign_jwt(claims, signer).value();
  };
  auto expired = world.broker.user(user_key(), "ship1");
  expired.expires = now - seconds(10);
  auto revoked_key = fixed_nkey(NkeyKind::user, 0x72);

  struct Row {
    std::string_view attack;
    std::string jwt;
  };

  const std::vector<Row> rows{
      {"expired", sign_user(expired, world.broker.unit_scope, now - hours(1)).value()},
      {"foreign operator and account",
       sign_user(foreign.user(user_key(), "ship1"), foreign.unit_scope, now).value()},
      {"foreign scoped key", forged(good, foreign.unit_scope, [](auto&) {})},
      {"rights of its own",
       forged(good, world.broker.unit_scope, [](auto& c) { c["nats"]["pub"]["allow"] = {">"}; })},
      {"unlimited payload",
       forged(good, world.broker.unit_scope, [](auto& c) { c["nats"]["payload"] = -1; })},
      {"signed by the operator", forged(good, world.broker.operator_signing, [](auto&) {})},
      {"signed by the account's own key", forged(good, world.broker.account, [](auto&) {})},
      {"signed by itself", forged(good, user_key(), [](auto&) {})},
      {"changed",
       [&] {
         auto jwt = good;
         jwt[jwt.size() / 2] = jwt[jwt.size() / 2] == 'A' ? 'B' : 'A';
         return jwt;
       }()},
  };
  CHECK(verify_user(good, world.broker.account_claims, now));
  for (const auto& [attack, jwt] : rows) {
    CAPTURE(attack);
    CHECK_FALSE(verify_user(jwt, world.broker.account_claims, now));
    const auto link = world.open(jwt, user_key(), "ship1");
    CHECK(is_refused(*link));
    CHECK(link->status().connects == 0);
  }
  // The seed of another key than the JWT's: the answer to the broker's nonce does not hold.
  const auto stolen = world.open(good, fixed_nkey(NkeyKind::user, 0x73), "ship1");
  CHECK(is_refused(*stolen));
}

TEST_CASE("broker login: a revoked user is cut off and stays out, the others stay in") {
  World world;
  if (!world.server) {
    return;
  }
  const auto other_key = fixed_nkey(NkeyKind::user, 0x74);
  const auto other_jwt =
      sign_user(world.broker.user(other_key, "ship2"), world.broker.unit_scope, the_real_now())
          .value();
  const auto jwt = world.unit_jwt("ship1");
  const auto link = world.open(jwt, user_key(), "ship1");
  const auto other = world.open(other_jwt, other_key, "ship2");
  REQUIRE(comes_up(*link));
  REQUIRE(comes_up(*other));

  const auto file = world.folder / "broker.conf";
  const auto before = LoginConfiguration::parse(read_file(file).value(), the_real_now()).value();
  const auto account =
      before.revoke({user_key().public_key()}, world.broker.operator_signing, the_real_now());
  REQUIRE(account);
  const auto text = before.with_account(*account, the_real_now());
  REQUIRE(text);
  const auto claims = LoginConfiguration::parse(*text, the_real_now()).value().account();
  CHECK(verify_user(jwt, claims, the_real_now()).error().code == ErrorCode::denied);
  CHECK(verify_user(other_jwt, claims, the_real_now()));
  // Nothing but the account is other than before: the broker refuses another operator's JWT.
  REQUIRE(write_file(file, *text, Access::owner_only, Existing::replace));
  world.server->reload();
  CHECK_MESSAGE(is_refused(*link), world.server->log());
  CHECK(other->status().connects == 1);
  CHECK(other->status().state == bus::LinkState::up);
  const auto again = world.open(jwt, user_key(), "ship1");
  CHECK(is_refused(*again));
}

}  // namespace steward::identity::broker_login_test
