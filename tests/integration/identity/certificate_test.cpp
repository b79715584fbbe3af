// Our certificates before a real nats-server, whose judge is Go's: it takes and refuses what ours
// does, where both look at the same thing.
#include "subjects/bus/nats_bus.hpp"
#include "subjects/identity/key_file.hpp"
#include "tests/subjects/identity/certificates.hpp"
#include "tests/subjects/identity/logins.hpp"
#include "tests/support/nats_server.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace steward::identity::certificate_test {
namespace {

using tests::Authorities;
using tests::daemon;
using tests::fixed_key;
using tests::the_real_now;

constexpr std::chrono::seconds kPatience{20};

// A broker that asks its clients for a certificate and knows our root alone. Its own is another's,
// for its address: no certificate of ours may have one, and what is tested is what it says of its
// clients.
struct World {
  Authorities authorities{the_real_now() - std::chrono::minutes(1)};  // "now" is the real now
  std::unique_ptr<steward::tests::NatsServer> server;

  World() {
    REQUIRE(tests::run("openssl req -x509 -nodes -newkey ed25519 -days 2 -subj /O=broker -addext "
                       "subjectAltName=IP:127.0.0.1 -keyout " +
                       authorities.path("broker.key") + " -out " + authorities.path("broker.pem"))
                .exit_code == 0);
    put("broker.conf",
        "tls { cert_file: \"" + authorities.path("broker.pem") + "\"\n key_file: \"" +
            authorities.path("broker.key") + "\"\n ca_file: \"" + authorities.path("root.pem") +
            "\"\n verify: true\n timeout: 10 }\n");
    steward::tests::NatsServer::Options options;
    options.arguments = {"-c", authorities.path("broker.conf")};
    server = steward::tests::NatsServer::start(std::move(options));
  }

  void put(const std::string& name, const std::string& text) const {
    REQUIRE(write_file(authorities.path(name), text, Access::owner_only, Existing::replace));
  }

  // Whether the broker lets a client in that shows this chain.
  bool takes(const std::vector<Certificate>& chain, const std::string& key) const {
    put("client.pem", encode_chain(chain).value());
    const auto before = server->log().size();
    bus::NatsOptions options;
    options.servers = {"tls://127.0.0.1:" + std::to_string(server->port())};
    options.tls.ca = authorities.path("broker.pem");
    options.tls.certificate = authorities.path("client.pem");
    options.tls.key = authorities.path(key + ".key");
    const auto link = bus::NatsBus::open(std::move(options)).value();
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      const auto status = link->status();
      if (status.state == bus::LinkState::up) {
        return true;
      }
      // Its word for it, and not a failure of the client's own.
      if (server->log().find("x509: ", before) != std::string::npos) {
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL("the broker says neither yes nor no");
    return false;
  }

  bool we_take(const std::vector<Certificate>& chain) const {
    return verify_peer(chain, authorities.trust(), PeerSide::client, the_real_now()).has_value();
  }
};

}  // namespace

TEST_CASE("certificates: nats-server and our verifier agree on a client's chain") {
  const World world;
  if (!world.server) {
    return;
  }
  const auto& known = world.authorities;
  const auto own = known.leaf(daemon("agent", "ship1"));
  REQUIRE(world.we_take({own, known.ship1}));
  CHECK(world.takes({own, known.ship1}, "leaf"));
  CHECK_FALSE(world.we_take({own}));
  CHECK_FALSE(world.takes({own}, "leaf"));
  CHECK_FALSE(world.we_take({own, known.ship2}));
  CHECK_FALSE(world.takes({own, known.ship2}, "leaf"));

  const auto expired =
      issue_leaf(daemon("agent", "ship1"),
                 known.leaf_key.public_key(),
                 known.ship1,
                 known.ship1_key,
                 {known.validity.from, known.validity.from + std::chrono::minutes(1)})
          .value();
  CHECK_FALSE(world.we_take({expired, known.ship1}));
  CHECK_FALSE(world.takes({expired, known.ship1}, "leaf"));

  const auto other_key = fixed_key(0x21);
  const auto other_root = issue_root(known.trust().cluster, other_key, known.validity).value();
  const auto other_ship =
      issue_authority(
          tests::node("ship1"), known.ship1_key.public_key(), other_root, other_key, known.validity)
          .value();
  CHECK_FALSE(world.we_take({own, other_ship}));
  CHECK_FALSE(world.takes({own, other_ship}, "leaf"));
}

TEST_CASE("certificates: nats-server and our verifier agree on names outside an authority's node") {
  const World world;
  if (!world.server) {
    return;
  }
  const std::string leaf =
      "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
      "extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=";

  struct Row {
    std::string_view names;
    bool good;
  };

  for (const auto& [names, good] :
       {Row{"DNS:nginx.ship1.demo.steward", true},
        Row{"DNS:nginx.ship1.demo.steward,URI:spiffe://ship1.demo.steward/nginx", true},
        Row{"DNS:nginx.ship2.demo.steward", false},
        Row{"DNS:nginx.ship1.demo.steward,DNS:nginx.ship2.demo.steward", false},
        Row{"DNS:nginx.ship1.demo.steward,URI:spiffe://ship2.demo.steward/nginx", false},
        Row{"DNS:nginx.evilship1.demo.steward", false},
        Row{"DNS:nginx.ship1.demo.steward,email:root@ship2.demo.steward", false},
        Row{"DNS:nginx.ship1.demo.steward,IP:10.0.0.1", false}}) {
    CAPTURE(names);
    const auto made =
        world.authorities.made_by_openssl("made", "/O=x", "ship1", leaf + std::string(names));
    // Go looks at the present second, and openssl signs from it on.
    std::this_thread::sleep_until(std::chrono::system_clock::time_point(made.validity().from));
    CHECK(world.we_take({made, world.authorities.ship1}) == good);
    CHECK(world.takes({made, world.authorities.ship1}, "made") == good);
  }

  const auto below = world.authorities.made_by_openssl(
      "below",
      "/O=ship1",
      "ship1",
      "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign");
  const auto deep = world.authorities.made_by_openssl(
      "deep", "/O=x", "below", leaf + "DNS:nginx.ship1.demo.steward");
  CHECK_FALSE(world.we_take({deep, below, world.authorities.ship1}));
  CHECK_FALSE(world.takes({deep, below, world.authorities.ship1}, "deep"));
}

}  // namespace steward::identity::certificate_test
