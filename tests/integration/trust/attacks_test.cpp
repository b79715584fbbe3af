#include "subjects/identity/nkey.hpp"
#include "tests/integration/trust/cluster.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace steward::tests::attacks_test {
namespace {

using Letter = Cluster::Letter;

std::string id_of(const bus::Message& message) {
  return std::string(*message.headers.find("ce-id"));
}

std::string making(const std::filesystem::path& file) {
  return R"({"shell": "echo ran >> )" + file.string() + "\"}";
}

// The message with one header replaced, or left out where the value is empty.
bus::Message with_header(const bus::Message& message,
                         std::string_view name,
                         const std::string& value) {
  bus::Message out{message.subject, {}, message.payload, message.reply};
  for (const auto& [header, old] : message.headers) {
    if (header != name) {
      out.headers.add(header, old);
    } else if (!value.empty()) {
      out.headers.add(header, value);
    }
  }
  return out;
}

bus::Message on_subject(bus::Message message, const std::string& subject) {
  message.subject = subject;
  return message;
}

// The same message, addressed and sent to somebody else, its signature left as it was.
bus::Message redirected(const bus::Message& message, const std::string& subject) {
  return on_subject(
      with_header(
          with_header(message, "ce-subject", subject), "ce-type", "steward.command.shellcommand"),
      subject);
}

// The same 32 bytes in both forms: what anna logs in with, as if it could sign messages.
identity::PrivateKey login_key() {
  const std::string seed(32, '\x77');
  REQUIRE(identity::NkeyPair::from_seed(identity::NkeyKind::user, seed));
  return identity::PrivateKey::from_seed(seed).value();
}

struct Attack {
  std::string name;
  bus::Message message;
  std::string answer;
};

std::vector<Attack> attacks(const Cluster& cluster) {
  const std::string shell = "ship1.command.shellcommand.operatingsystem";
  const auto payload = making(cluster.path("attacked"));
  const auto good = [&](const std::string& subject = "ship1.command.shellcommand.operatingsystem") {
    return cluster.signed_by(cluster.anna, {.subject = subject, .payload = payload});
  };
  const auto later = [](const bus::Message&) {
    return wire::format_time(now() + std::chrono::hours(20));
  };
  const auto unsigned_one = with_header(with_header(good(), "ce-signature", ""), "ce-keyid", "");
  auto altered = cluster.signed_by(cluster.anna, {.payload = R"({"argv": ["true"]})"});
  altered.payload = payload;
  const auto prolonged = good();
  const auto late =
      cluster.signed_by(cluster.anna, {.payload = payload, .change = [](wire::Envelope& envelope) {
                                         envelope.time = now() - std::chrono::hours(2);
                                         envelope.expires = now() - std::chrono::hours(1);
                                       }});
  return {
      {"unsigned", unsigned_one, "refused unsigned"},
      {"without its signature", with_header(good(), "ce-signature", ""), "refused unsigned"},
      {"forged by a stranger",
       cluster.signed_by(cluster.stranger, {.payload = payload}),
       "refused unknown_signer"},
      {"forged in anna's name",
       with_header(cluster.signed_by(cluster.stranger, {.payload = payload}),
                   "ce-keyid",
                   cluster.anna.public_key().id()),
       "refused bad_signature"},
      {"altered payload", altered, "refused bad_signature"},
      {"altered expiry",
       with_header(prolonged, "ce-expires", later(prolonged)),
       "refused bad_signature"},
      {"another sender's name",
       with_header(good(), "ce-source", "/operator/mallory"),
       "refused bad_signature"},
      {"expired", late, "expired expired"},
      {"redirected from another node, address left",
       on_subject(good("ship2.command.shellcommand.operatingsystem"), shell),
       "refused bad_envelope"},
      {"redirected from another node",
       redirected(good("ship2.command.shellcommand.operatingsystem"), shell),
       "refused bad_signature"},
      {"redirected from another method",
       redirected(good("ship1.command.update.operatingsystem"), shell),
       "refused bad_signature"},
      {"redirected from all to one",
       redirected(good("@all.command.shellcommand.operatingsystem"), shell),
       "refused bad_signature"},
      {"of another cluster",
       cluster.signed_by(cluster.anna, {.payload = payload, .cluster = "other"}),
       "refused bad_signature"},
      {"of a revoked operator",
       cluster.signed_by(cluster.mallory, {.source = "/operator/mallory", .payload = payload}),
       "refused denied"},
      {"of an operator without the right",
       cluster.signed_by(cluster.bob, {.source = "/operator/bob", .payload = payload}),
       "refused denied"},
      {"bob as anna", cluster.signed_by(cluster.bob, {.payload = payload}), "refused denied"},
      // Whoever logs in signs what a broker asks for: that key signs no message.
      {"by anna's login key",
       cluster.signed_by(login_key(), {.payload = payload}),
       "refused unknown_signer"},
      {"by anna's login key, in the name of her other one",
       with_header(cluster.signed_by(login_key(), {.payload = payload}),
                   "ce-keyid",
                   cluster.anna.public_key().id()),
       "refused bad_signature"},
      {"by a unit's key",
       cluster.signed_by(cluster.unit_key, {.source = "/ship1", .payload = payload}),
       "refused unknown_signer"},
      {"by the root that signs policies",
       cluster.signed_by(cluster.root, {.payload = payload}),
       "refused unknown_signer"},
      {"by the station's own key",
       cluster.signed_by(cluster.station_key, {.source = "/station", .payload = payload}),
       "refused denied"},
  };
}

TEST_CASE(
    "trust: what is not signed, altered, redirected or not allowed is refused and never runs") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  const auto first = cluster->signed_by(cluster->anna, {.payload = making(cluster->path("first"))});
  REQUIRE(cluster->carried_out(first));
  for (const auto& [name, message, answer] : attacks(*cluster)) {
    CAPTURE(name);
    cluster->publish(message);
    CHECK(eventually([&] { return !cluster->said(id_of(message)).empty(); }));
    // Once, and not recorded: its id may be anybody's.
    CHECK(cluster->said(id_of(message)) == std::vector<std::string>{answer});
  }

  // A replay is answered with what came of it, and runs nothing.
  const auto before = cluster->said(id_of(first)).size();
  cluster->publish(first);
  CHECK(eventually([&] { return cluster->said(id_of(first)).size() > before; }));
  CHECK(cluster->said(id_of(first)).back() == "done");

  // A forgery under the id of a command that comes behind it does not take its place.
  const auto honest =
      cluster->signed_by(cluster->anna, {.payload = making(cluster->path("honest"))});
  auto forged = honest;
  forged.payload = making(cluster->path("attacked"));
  cluster->publish(forged);
  CHECK(eventually([&] { return cluster->has_said(id_of(honest), "refused bad_signature"); }));
  CHECK(cluster->carried_out(honest));

  CHECK(identity::tests::contents(cluster->path("first")) == "ran\n");
  CHECK(identity::tests::contents(cluster->path("honest")) == "ran\n");
  CHECK(!std::filesystem::exists(cluster->path("attacked")));
}

TEST_CASE("trust: an older policy is not taken, neither while it runs nor after a restart") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  REQUIRE(cluster->carried_out(
      cluster->signed_by(cluster->anna, {.payload = R"({"argv": ["true"]})"})));
  cluster->bring_policy(1, "");  // in which mallory was not revoked yet
  const auto refused = [&cluster] {
    const auto attack = cluster->signed_by(
        cluster->mallory,
        {.source = "/operator/mallory", .payload = making(cluster->path("attacked"))});
    return eventually([&] {
      cluster->publish(attack);
      return cluster->has_said(id_of(attack), "refused denied");
    });
  };
  CHECK(eventually([&] { return cluster->unit().said("was not taken: denied"); }));
  CHECK(refused());
  cluster->unit().end();
  cluster->unit().start();
  CHECK(refused());
  CHECK(!std::filesystem::exists(cluster->path("attacked")));
}

TEST_CASE("trust: a command that waits for its turn is asked about again before it starts") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  cluster->bring_policy(3, "");
  REQUIRE(cluster->carried_out(
      cluster->signed_by(cluster->anna, {.payload = R"({"argv": ["true"]})"})));
  REQUIRE(eventually([&] { return cluster->unit().said("policy version 3 is in force"); }));
  const auto gate = cluster->path("gate");
  const auto busy = cluster->signed_by(cluster->anna,
                                       {.payload = R"({"shell": "until test -e )" + gate.string() +
                                                   R"(; do sleep 0.1; done", "timeout_ms": 0})"});
  const auto waiting = cluster->signed_by(
      cluster->mallory,
      {.source = "/operator/mallory", .payload = making(cluster->path("attacked"))});
  cluster->publish(busy);
  CHECK(eventually([&] { return cluster->has_said(id_of(busy), "running+"); }));
  cluster->publish(waiting);
  CHECK(eventually([&] { return cluster->has_said(id_of(waiting), "accepted+"); }));
  cluster->bring_policy(4, cluster->mallory.public_key().id());
  CHECK(eventually([&] { return cluster->unit().said("policy version 4 is in force"); }));
  std::ofstream(gate) << "open";
  CHECK(eventually([&] { return cluster->has_said(id_of(waiting), "refused denied+"); }));
  // The queue goes on behind it.
  CHECK(cluster->carried_out(
      cluster->signed_by(cluster->anna, {.payload = R"({"argv": ["true"]})"})));
  CHECK(!std::filesystem::exists(cluster->path("attacked")));
}

TEST_CASE("trust: the station believes a unit's own key only, and the unit its station's only") {
  const auto cluster = Cluster::start();
  if (!cluster) {
    return;
  }
  const auto command = cluster->signed_by(cluster->anna, {.payload = R"({"argv": ["true"]})"});
  REQUIRE(cluster->carried_out(command));
  const auto state = [&] {
    return cluster->ask("job", R"({"command": ")" + id_of(command) + "\"}");
  };
  CHECK(eventually([&] { return state().find("\"done\"") != std::string::npos; }));

  // ACKs of a command that the unit has not seen, by everybody but the unit.
  const auto unseen = cluster->signed_by(cluster->anna,
                                         {.subject = "ship2.command.shellcommand.operatingsystem",
                                          .payload = R"({"argv": ["true"]})"});
  const auto lie = [&](const identity::PrivateKey& key, const std::string& source) {
    return cluster->signed_by(key,
                              {.source = source,
                               .subject = "ship1.event.ack.shellcommand",
                               .payload = R"({"ref": ")" + id_of(command) +
                                          R"(", "domain": "operatingsystem", "state": "failed"})"});
  };
  std::vector<bus::Message> lies{
      with_header(lie(cluster->unit_key, "/ship1"), "ce-signature", ""),
      lie(cluster->stranger, "/ship1"),
      lie(cluster->anna, "/operator/anna"),
  };
  auto altered = lie(cluster->unit_key, "/ship1");
  altered.payload += " ";
  lies.push_back(altered);
  for (const auto& message : lies) {
    cluster->publish(message);
  }
  CHECK(eventually(
      [&] { return cluster->ask("station", "{}").find("\"malformed\":4,") != std::string::npos; }));
  CHECK(state().find("\"state\":\"failed\"") == std::string::npos);

  // What nobody but the station says is safe stays in the unit's outbox.
  CHECK(eventually([&] { return cluster->outbox_depth() == 0; }));
  cluster->station().end();
  const auto unheard = cluster->signed_by(cluster->anna, {.payload = R"({"argv": ["true"]})"});
  REQUIRE(cluster->carried_out(unheard));
  REQUIRE(cluster->outbox_depth() == 3);
  const auto received = [&](const identity::PrivateKey& key, const std::string& source) {
    return cluster->signed_by(key,
                              {.source = source,
                               .subject = "station.event.received.ship1",
                               .payload = R"({"epoch": ")" + cluster->epoch() +
                                          R"(", "upto": 7})"});  // its facts, three of each command
  };
  cluster->publish(with_header(received(cluster->station_key, "/station"), "ce-signature", ""));
  cluster->publish(received(cluster->stranger, "/station"));
  cluster->publish(received(cluster->unit_key, "/ship1"));
  cluster->publish(received(cluster->anna, "/operator/anna"));
  CHECK(cluster->outbox_depth() == 3);
  cluster->publish(received(cluster->station_key, "/station"));
  CHECK(eventually([&] { return cluster->outbox_depth() == 0; }));
}

}  // namespace
}  // namespace steward::tests::attacks_test
