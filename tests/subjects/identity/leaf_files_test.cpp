#include "subjects/identity/leaf_files.hpp"

#include "subjects/identity/key_file.hpp"
#include "tests/subjects/identity/certificates.hpp"

#include <doctest/doctest.h>

namespace steward::identity::leaf_files_test {
namespace {

using tests::Authorities;

const wire::Timestamp kNow{std::chrono::hours(24 * 20'000)};

// The folder of a node with its authority, and what is asked of it.
struct Node {
  Node() { give(known.ship1, known.ship1_key); }

  void give(const Certificate& certificate, const PrivateKey& key) const {
    REQUIRE(write_key_file(plan.authority / "authority.key", key, Existing::replace));
    REQUIRE(write_file(plan.authority / "authority.crt",
                       certificate.pem().value(),
                       Access::everybody,
                       Existing::replace));
  }

  std::vector<Certificate> chain() const {
    return Certificate::parse_pem(read_file(plan.out / "chain.pem").value(), 2).value();
  }

  Authorities known{kNow};
  LeafPlan plan{.program = tests::daemon("agent", "ship1"),
                .authority = known.folder / "",
                .out = known.folder / "tls"};
};

}  // namespace

TEST_CASE("leaf files: a certificate is kept until a third of its life is left") {
  Node node;
  REQUIRE(issue_leaf_files(node.plan, kNow).value() == Issued::fresh);
  const auto first = node.chain();
  CHECK(verify_peer(first, node.known.trust(), PeerSide::client, kNow));
  CHECK(first[0].validity().until == kNow + std::chrono::hours(24));
  CHECK(issue_leaf_files(node.plan, kNow + std::chrono::hours(15)).value() == Issued::kept);
  CHECK(node.chain() == first);
  const auto later = kNow + std::chrono::hours(17);
  CHECK(issue_leaf_files(node.plan, later).value() == Issued::fresh);
  CHECK(node.chain()[0].public_key() == first[0].public_key());
  CHECK(node.chain()[0].validity().until == later + std::chrono::hours(24));
  // A clock that was ahead when it was made.
  CHECK(issue_leaf_files(node.plan, kNow).value() == Issued::fresh);
}

TEST_CASE("leaf files: one below an authority that was renewed is made anew") {
  Node node;
  REQUIRE(issue_leaf_files(node.plan, kNow).value() == Issued::fresh);
  const auto next = issue_authority(tests::node("ship1"),
                                    node.known.ship1_key.public_key(),
                                    node.known.root,
                                    node.known.root_key,
                                    {kNow, kNow + std::chrono::hours(48)})
                        .value();
  node.give(next, node.known.ship1_key);
  CHECK(issue_leaf_files(node.plan, kNow).value() == Issued::fresh);
  CHECK(node.chain()[1] == next);
}

TEST_CASE("leaf files: without a good authority nothing is written, and that is said") {
  Node node;
  const auto late = issue_leaf_files(node.plan, node.known.validity.until);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::expired);
  node.plan.program = tests::daemon("agent", "ship2");
  const auto foreign = issue_leaf_files(node.plan, kNow);
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().code == ErrorCode::denied);
  CHECK_FALSE(std::filesystem::exists(node.plan.out / "chain.pem"));
}

TEST_CASE("leaf files: one that is told has a key of its own each time") {
  const Node node;
  const auto one = issue_told_leaf(node.plan, kNow);
  const auto two = issue_told_leaf(node.plan, kNow);
  REQUIRE(one);
  REQUIRE(two);
  const auto chain = Certificate::parse_pem(one->chain, 2).value();
  CHECK(verify_peer(chain, node.known.trust(), PeerSide::client, kNow));
  CHECK(decode_key(one->key.view(), no_passphrase).value().public_key() == chain[0].public_key());
  CHECK(one->key.view() != two->key.view());
  CHECK_FALSE(std::filesystem::exists(node.plan.out));
}

}  // namespace steward::identity::leaf_files_test
