#include "subjects/identity/authority.hpp"
#include "subjects/identity/trust.hpp"
#include "tests/subjects/identity/certificates.hpp"
#include "tests/subjects/identity/logins.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace steward::identity::certificate_test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using tests::Authorities;
using tests::daemon;
using tests::fixed_key;
using tests::node;
using tests::the_real_now;

constexpr std::string_view kLeaf =
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
    "extendedKeyUsage=serverAuth,clientAuth\n";
constexpr std::string_view kAuthority =
    "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n";

std::string leaf_with(std::string_view names) {
  return std::string(kLeaf) + (names.empty() ? "" : "subjectAltName=" + std::string(names));
}

std::string code_of(const Result<DaemonIdentity>& verdict) {
  return verdict ? "ok" : std::string(word(verdict.error().code));
}

}  // namespace

TEST_CASE("certificate: a daemon's chain is taken by us and by openssl, on both sides") {
  const Authorities world(the_real_now());
  const auto nginx = daemon("nginx", "ship1");
  const auto leaf = world.leaf(nginx);
  for (const auto side : {PeerSide::client, PeerSide::server}) {
    for (const auto& chain : {std::vector{leaf, world.ship1}, {leaf, world.ship1, world.root}}) {
      const auto identity = verify_peer(chain, world.trust(), side, world.now);
      REQUIRE(identity);
      CHECK(*identity == nginx);
      CHECK(verify_peer_is(nginx, chain, world.trust(), side, world.now));
      CHECK(verify_peer_is(daemon("mail", "ship1"), chain, world.trust(), side, world.now)
                .error()
                .code == ErrorCode::denied);
      CHECK(verify_peer_is(daemon("nginx", "ship2"), chain, world.trust(), side, world.now)
                .error()
                .code == ErrorCode::denied);
    }
    CHECK(world.openssl_verdict({leaf, world.ship1}, side, world.now) == 0);
  }
  CHECK(verify_authority(node("ship1"), world.ship1, world.trust(), world.now));
  CHECK(verify_root(world.root, world.now));
}

TEST_CASE("certificate: what a stolen authority can make of names, row by row as IDENTITY has it") {
  const Authorities world(the_real_now());

  struct Row {
    std::string_view what, subject, names;
    int openssl;            // its error, 0 for good
    std::string_view ours;  // ok, or the code's word
  };

  const Row rows[] = {
      {"own", "/O=x", "DNS:nginx.ship1.demo.steward", 0, "ok"},
      {"own with URI",
       "/O=x",
       "DNS:nginx.ship1.demo.steward,URI:spiffe://ship1.demo.steward/nginx",
       0,
       "ok"},
      {"foreign DNS", "/O=x", "DNS:nginx.ship2.demo.steward", 47, "denied"},
      {"foreign URI",
       "/O=x",
       "DNS:nginx.ship1.demo.steward,URI:spiffe://ship2.demo.steward/nginx",
       47,
       "denied"},
      {"own and foreign DNS",
       "/O=x",
       "DNS:nginx.ship1.demo.steward,DNS:nginx.ship2.demo.steward",
       47,
       "denied"},
      {"suffix trick", "/O=x", "DNS:nginx.evilship1.demo.steward", 47, "denied"},
      {"wildcard above", "/O=x", "DNS:*.demo.steward", 47, "denied"},
      {"userinfo in the URI",
       "/O=x",
       "DNS:nginx.ship1.demo.steward,URI:spiffe://ship2.demo.steward@ship1.demo.steward/n",
       47,
       "denied"},
      {"URI host below",
       "/O=x",
       "DNS:nginx.ship1.demo.steward,URI:spiffe://x.ship1.demo.steward/nginx",
       47,
       "denied"},
      {"foreign DNS in the CN alone", "/CN=nginx.ship2.demo.steward", "", 47, "denied"},
      {"IP address", "/O=x", "DNS:nginx.ship1.demo.steward,IP:10.0.0.1", 48, "denied"},
      {"IPv6 address", "/O=x", "DNS:nginx.ship1.demo.steward,IP:fe80::1", 48, "denied"},
      {"foreign e-mail",
       "/O=x",
       "DNS:nginx.ship1.demo.steward,email:root@ship2.demo.steward",
       47,
       "denied"},
      // From here on OpenSSL alone says yes: our rules are narrower.
      {"no name but CN=ship2", "/CN=ship2", "", 0, "denied"},
      {"no name at all", "/O=x", "", 0, "denied"},
      {"two own names",
       "/O=x",
       "DNS:nginx.ship1.demo.steward,DNS:mail.ship1.demo.steward",
       0,
       "denied"},
      {"own wildcard", "/O=x", "DNS:*.ship1.demo.steward", 0, "denied"},
      {"the node's bare name", "/O=x", "DNS:ship1.demo.steward", 0, "denied"},
      {"a name too deep", "/O=x", "DNS:a.nginx.ship1.demo.steward", 0, "denied"},
      {"capitals", "/O=x", "DNS:NGINX.ship1.demo.steward", 0, "denied"},
      {"a dot behind", "/O=x", "DNS:nginx.ship1.demo.steward.", 47, "denied"},
      // Words that nothing here listens to, beside a name that is right.
      {"OU=ship2", "/OU=ship2", "DNS:nginx.ship1.demo.steward", 0, "ok"},
      {"CN=ship2 beside it", "/CN=ship2", "DNS:nginx.ship1.demo.steward", 0, "ok"},
      {"registered id", "/O=x", "DNS:nginx.ship1.demo.steward,RID:1.2.3.4", 0, "ok"},
      {"other name", "/O=x", "DNS:nginx.ship1.demo.steward,otherName:1.2.3.4;UTF8:ship2", 0, "ok"},
      {"a foreign path",
       "/O=x",
       "DNS:nginx.ship1.demo.steward,URI:spiffe://ship1.demo.steward/../ship2/nginx",
       0,
       "ok"},
  };
  for (const auto& [what, subject, names, openssl, ours] : rows) {
    CAPTURE(what);
    const auto leaf =
        world.made_by_openssl("leaf", std::string(subject), "ship1", leaf_with(names));
    const std::vector chain{leaf, world.ship1};
    CHECK(world.openssl_verdict(chain, PeerSide::server, world.now) == openssl);
    const auto verdict = verify_peer(chain, world.trust(), PeerSide::server, world.now);
    CHECK(code_of(verdict) == ours);
    if (verdict) {
      CHECK(*verdict == daemon("nginx", "ship1"));
    }
  }
}

TEST_CASE("certificate: an authority that is not exactly one node's is no authority") {
  const Authorities world(the_real_now());
  const std::string limits =
      "permitted;DNS:ship1.demo.steward,permitted;URI:ship1.demo.steward,permitted;email:ship1."
      "demo."
      "steward,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0";
  const std::string leaf_names = leaf_with("DNS:nginx.ship1.demo.steward");

  struct Row {
    std::string_view what;
    std::string extensions;
    int openssl;
    std::string_view ours;
  };

  const Row rows[] = {
      {"the right one", std::string(kAuthority) + "nameConstraints=critical," + limits, 0, "ok"},
      {"without constraints", std::string(kAuthority), 0, "denied"},
      {"constraints that are not critical",
       std::string(kAuthority) + "nameConstraints=" + limits,
       0,
       "denied"},
      {"wider constraints",
       std::string(kAuthority) + "nameConstraints=critical,permitted;DNS:demo.steward",
       0,
       "denied"},
      {"another node's beside its own",
       std::string(kAuthority) + "nameConstraints=critical," + limits +
           ",permitted;DNS:ship2.demo.steward",
       0,
       "denied"},
      {"without a path length",
       "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
       "nameConstraints=critical," +
           limits,
       0,
       "denied"},
      {"no authority at all",
       std::string(kLeaf) + "nameConstraints=critical," + limits,
       79,
       "denied"},
      {"without the right to sign",
       "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,digitalSignature\n"
       "nameConstraints=critical," +
           limits,
       79,
       "denied"},
  };
  for (const auto& [what, extensions, openssl, ours] : rows) {
    CAPTURE(what);
    const auto between = world.made_by_openssl("between_ca", "/O=ship1", "root", extensions);
    const auto leaf = world.made_by_openssl("leaf", "/O=x", "between_ca", leaf_names);
    const std::vector chain{leaf, between};
    const int said = world.openssl_verdict(chain, PeerSide::client, world.now);
    CHECK((said == 0) == (openssl == 0));
    CAPTURE(said);
    const auto verdict = verify_peer(chain, world.trust(), PeerSide::client, world.now);
    CHECK(code_of(verdict) == ours);
    CHECK(verify_authority(node("ship1"), between, world.trust(), world.now).has_value() ==
          (ours == "ok"));
  }
}

TEST_CASE("certificate: chains of another shape are refused") {
  const Authorities world(the_real_now());
  const auto leaf = world.leaf(daemon("nginx", "ship1"));
  const auto trust = world.trust();
  const auto verdict = [&](const std::vector<Certificate>& chain) {
    return code_of(verify_peer(chain, trust, PeerSide::client, world.now));
  };
  REQUIRE(verdict({leaf, world.ship1}) == "ok");
  CHECK(verdict({}) == "denied");
  CHECK(verdict({leaf}) == "denied");
  CHECK(verdict({world.ship1, world.root}) == "denied");
  CHECK(verdict({world.root, world.root}) != "ok");
  CHECK(verdict({leaf, world.ship2}) == "bad_signature");
  CHECK(verdict({leaf, world.ship1, world.ship2}) == "bad_signature");
  CHECK(verdict({leaf, world.ship1, world.root, world.root}) == "denied");
  CHECK(world.openssl_verdict({leaf, world.ship2}, PeerSide::client, world.now) != 0);

  // A sub-sub-authority, and what it signs.
  world.made_by_openssl("below", "/O=ship1", "ship1", std::string(kAuthority));
  const auto deep =
      world.made_by_openssl("leaf", "/O=x", "below", leaf_with("DNS:nginx.ship1.demo.steward"));
  const auto below = Certificate::parse_pem(tests::contents(world.path("below.pem")), 1)->front();
  CHECK(verdict({deep, below}) != "ok");
  CHECK(verdict({deep, below, world.ship1}) != "ok");
  CHECK(world.openssl_verdict({deep, below, world.ship1}, PeerSide::client, world.now) != 0);

  // A root by the same names and another key.
  const auto other_key = fixed_key(0x21);
  const auto other_root = issue_root(node("x").cluster, other_key, world.validity).value();
  const auto other_ship =
      issue_authority(
          node("ship1"), world.ship1_key.public_key(), other_root, other_key, world.validity)
          .value();
  CHECK(verdict({leaf, other_ship}) == "bad_signature");
  CHECK(verdict({leaf, other_ship, other_root}) == "bad_signature");
  CHECK(verify_authority(node("ship1"), other_ship, trust, world.now).error().code ==
        ErrorCode::bad_signature);
  CHECK(verify_authority(node("ship2"), world.ship1, trust, world.now).error().code ==
        ErrorCode::denied);
  // While roots are replaced both are believed.
  auto both = trust;
  both.roots.push_back(other_root);
  CHECK(verify_peer({leaf, other_ship}, both, PeerSide::client, world.now));
  CHECK(verify_peer({leaf, world.ship1}, both, PeerSide::client, world.now));
}

TEST_CASE("certificate: another cluster's, or one with a denied key, is refused") {
  const Authorities world(the_real_now());
  const auto leaf = world.leaf(daemon("nginx", "ship1"));
  auto trust = world.trust();
  trust.cluster = ClusterName::parse("other").value();
  CHECK(verify_peer({leaf, world.ship1}, trust, PeerSide::client, world.now).error().code ==
        ErrorCode::denied);
  for (const auto* key : {&world.ship1_key, &world.leaf_key}) {
    auto denying = world.trust();
    denying.denied_keys = {key->public_key().id()};
    const auto verdict = verify_peer({leaf, world.ship1}, denying, PeerSide::client, world.now);
    REQUIRE_FALSE(verdict);
    CHECK(verdict.error().code == ErrorCode::denied);
    CHECK(verify_peer({world.leaf(daemon("nginx", "ship2")), world.ship2},
                      denying,
                      PeerSide::client,
                      world.now)
              .has_value() == (key == &world.ship1_key));
  }
}

TEST_CASE("certificate: each of the three must hold at that moment, as openssl has it") {
  const Authorities world(the_real_now());
  const auto chain = std::vector{world.leaf(daemon("nginx", "ship1")), world.ship1};
  const auto until = std::chrono::floor<seconds>(world.validity.until);
  const auto from = std::chrono::floor<seconds>(world.validity.from);
  for (const auto& [moment, good] : {std::pair(wire::Timestamp(from), true),
                                     std::pair(wire::Timestamp(from - seconds(1)), false),
                                     std::pair(wire::Timestamp(until - seconds(1)), true),
                                     std::pair(wire::Timestamp(until), false)}) {
    const auto verdict = verify_peer(chain, world.trust(), PeerSide::server, moment);
    CHECK(code_of(verdict) == (good ? "ok" : "expired"));
    CHECK((world.openssl_verdict(chain, PeerSide::server, moment) == 0) == good);
  }
  const auto late = verify_root(world.root, until);
  REQUIRE_FALSE(late);
  CHECK(late.error().text() == "expired: certificate: certificate has expired (10)");
}

TEST_CASE("certificate: purposes are held: a client's is no server's") {
  const Authorities world(the_real_now());
  const auto leaf = world.made_by_openssl(
      "leaf",
      "/O=x",
      "ship1",
      "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
      "extendedKeyUsage=clientAuth\nsubjectAltName=DNS:nginx.ship1.demo.steward");
  CHECK(verify_peer({leaf, world.ship1}, world.trust(), PeerSide::client, world.now));
  CHECK(verify_peer({leaf, world.ship1}, world.trust(), PeerSide::server, world.now).error().code ==
        ErrorCode::denied);
}

TEST_CASE("certificate: none outlives its issuer, and nobody issues what is not theirs") {
  const Authorities world(the_real_now());
  const auto leaf_key = world.leaf_key.public_key();
  const Validity longer{world.now, world.validity.until + hours(1000)};
  const auto cut =
      issue_leaf(daemon("nginx", "ship1"), leaf_key, world.ship1, world.ship1_key, longer);
  REQUIRE(cut);
  CHECK(cut->validity().until == world.ship1.validity().until);
  const auto code = [](const Result<Certificate>& made) {
    return made ? std::string("ok") : std::string(word(made.error().code));
  };
  const auto& validity = world.validity;
  CHECK(code(issue_leaf(
            daemon("nginx", "ship2"), leaf_key, world.ship1, world.ship1_key, validity)) ==
        "denied");
  CHECK(code(issue_leaf(
            daemon("nginx", "ship1"), leaf_key, world.root, world.root_key, validity)) == "denied");
  CHECK(code(issue_leaf(
            daemon("nginx", "ship1"), leaf_key, world.ship1, world.ship2_key, validity)) ==
        "bad_config");
  CHECK(code(issue_leaf(daemon("nginx", "ship1"),
                        world.ship1_key.public_key(),
                        world.ship1,
                        world.ship1_key,
                        validity)) == "bad_config");
  CHECK(code(issue_authority(node("ship1"), leaf_key, world.root, world.ship1_key, validity)) ==
        "bad_config");
  CHECK(code(issue_root(node("x").cluster, world.root_key, {world.now, world.now})) ==
        "bad_config");
  CHECK(code(issue_leaf(daemon("nginx", "ship1"),
                        leaf_key,
                        world.ship1,
                        world.ship1_key,
                        {validity.from - hours(1), validity.until})) == "bad_config");
}

TEST_CASE("certificate: only one whole certificate of an Ed25519 key that can be trusted is read") {
  const Authorities world(the_real_now());
  const auto pem = world.root.pem().value();
  CHECK(Certificate::parse_pem(pem, 1)->front() == world.root);
  CHECK(Certificate::parse_pem(pem + world.ship1.pem().value(), 2)->size() == 2);
  CHECK_FALSE(Certificate::parse_pem(pem + pem, 1));
  CHECK_FALSE(Certificate::from_der(world.root.der() + "x"));
  CHECK_FALSE(Certificate::from_der(world.root.der().substr(1)));
  CHECK_FALSE(Certificate::from_der(""));
  CHECK_FALSE(Certificate::from_der(std::string(kLargestCertificate + 1, '0')));
  // The same certificate with the outer length spelled in three bytes: openssl takes it.
  auto longer = world.root.der();
  REQUIRE(longer.substr(0, 2) == "\x30\x82");
  longer.replace(0, 2, std::string("\x30\x83\0", 3));
  CHECK_FALSE(Certificate::from_der(longer));
  // The key becomes a point of low order; nothing of that is signed anew, and it is seen at once.
  auto low = world.root.der();
  const auto at = low.find(world.root.public_key().bytes());
  REQUIRE(at != std::string::npos);
  low.replace(at, 32, "\x01" + std::string(31, '\0'));
  const auto refused = Certificate::from_der(low);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("low order") != std::string::npos);
  for (const auto* algorithm : {"ec -pkeyopt ec_paramgen_curve:P-256", "ed448"}) {
    REQUIRE(tests::run("openssl req -x509 -nodes -newkey " + std::string(algorithm) +
                       " -subj /O=x -keyout /dev/null -out " + world.path("other.pem"))
                .exit_code == 0);
    CHECK_FALSE(Certificate::parse_pem(tests::contents(world.path("other.pem")), 1));
  }
}

TEST_CASE("certificate: one changed bit anywhere in the chain is seen") {
  const Authorities world(the_real_now());
  const auto leaf = world.leaf(daemon("nginx", "ship1"));
  int parsed = 0;
  for (std::size_t bit = 0; bit < leaf.der().size() * 8; bit += 13) {
    auto der = leaf.der();
    der[bit / 8] = static_cast<char>(der[bit / 8] ^ (1 << (bit % 8)));
    const auto changed = Certificate::from_der(der);
    if (changed) {
      ++parsed;
      CHECK_FALSE(verify_peer({*changed, world.ship1}, world.trust(), PeerSide::client, world.now));
    }
  }
  CHECK(parsed > 20);
}

}  // namespace steward::identity::certificate_test
