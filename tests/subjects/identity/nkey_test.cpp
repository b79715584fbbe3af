#include "subjects/identity/nkey.hpp"

#include "subjects/identity/encoding.hpp"
#include "tests/subjects/identity/identities.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace steward::identity::nkey_test {
namespace {

// Of NATS's own documentation (docs.nats.io, "NKeys": the output of `nk -gen user -pubout`).
constexpr std::string_view kSeed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
constexpr std::string_view kPublic = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

}  // namespace

TEST_CASE("nkey: a seed of NATS's own documentation gives the public key that stands beside it") {
  const auto pair = NkeyPair::parse_seed(kSeed);
  REQUIRE(pair);
  CHECK(pair->public_key().text() == kPublic);
  CHECK(pair->seed_text().view() == kSeed);
  CHECK(Nkey::parse(kPublic).value() == pair->public_key());
  CHECK(pair->public_key().kind() == NkeyKind::user);
}

TEST_CASE("nkey: each kind has its letters and comes back") {
  struct Row {
    NkeyKind kind;
    std::string_view letter, seed_letters;
  };

  for (const auto& [kind, letter, seed_letters] : {Row{NkeyKind::operator_, "O", "SO"},
                                                   Row{NkeyKind::account, "A", "SA"},
                                                   Row{NkeyKind::user, "U", "SU"}}) {
    for (int i = 0; i < 20; ++i) {
      const auto pair = NkeyPair::generate(kind);
      REQUIRE(pair);
      const auto text = pair->public_key().text();
      CHECK(text.size() == 56);
      CHECK(text.starts_with(letter));
      CHECK(Nkey::parse(text).value() == pair->public_key());
      const auto seed = pair->seed_text();
      CHECK(seed.size() == 58);
      CHECK(seed.view().starts_with(seed_letters));
      const auto again = NkeyPair::parse_seed(seed.view());
      REQUIRE(again);
      CHECK(again->public_key() == pair->public_key());
      CHECK(pair->public_key().verifies("nonce", again->sign("nonce").value()));
      CHECK_FALSE(pair->public_key().verifies("nonsense", again->sign("nonce").value()));
    }
  }
}

TEST_CASE("nkey: one letter changed, left out or added is refused") {
  for (std::size_t at = 0; at < kPublic.size(); ++at) {
    std::string text(kPublic);
    text[at] = text[at] == 'A' ? 'B' : 'A';
    CHECK(Nkey::parse(text).error().code == ErrorCode::bad_payload);
  }
  for (std::size_t at = 0; at < kSeed.size(); ++at) {
    std::string text(kSeed);
    text[at] = text[at] == 'A' ? 'B' : 'A';
    CHECK(NkeyPair::parse_seed(text).error().code == ErrorCode::bad_payload);
  }
  for (const std::string& text : {std::string(),
                                  std::string(kPublic.substr(1)),
                                  std::string(kPublic) + "A",
                                  std::string(kPublic) + "\n",
                                  std::string(kSeed)}) {
    CHECK(Nkey::parse(text).error().code == ErrorCode::bad_payload);
  }
  CHECK_FALSE(NkeyPair::parse_seed(kPublic));
}

TEST_CASE("nkey: a key of low order or of another kind is refused though its checksum is right") {
  CHECK_FALSE(Nkey::from_bytes(NkeyKind::user, "\x01" + std::string(31, '\0')));
  // Server, cluster and curve keys of NATS: well formed, and nobody's login.
  for (const auto* text : {"NCUWF3KWI6NQR4NRT2ZWBI6WBW6V63XERJGREROVAVV6WZ4O4D7R6CVK",
                           "XAB3NANV3M6N7AHSQP2U5FRWKKUT7EG2ZXXABV4XVXYQRJGM4S2CZGHT"}) {
    CHECK_FALSE(Nkey::parse(text));
  }
}

TEST_CASE("nkey: the seed of another kind of thing is no seed") {
  // The same bytes under every pair of prefix bytes: three are seeds.
  const std::string body(32, 's');
  int taken = 0;
  for (const auto kind : {NkeyKind::operator_, NkeyKind::account, NkeyKind::user}) {
    taken += NkeyPair::parse_seed(NkeyPair::from_seed(kind, body)->seed_text().view()) ? 1 : 0;
  }
  CHECK(taken == 3);
  CHECK_FALSE(NkeyPair::from_seed(NkeyKind::user, body.substr(1)));
}

}  // namespace steward::identity::nkey_test
