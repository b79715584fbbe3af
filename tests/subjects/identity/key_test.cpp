#include "subjects/identity/key.hpp"

#include "subjects/identity/ed25519.hpp"
#include "subjects/identity/encoding.hpp"
#include "tests/subjects/identity/identities.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace steward::identity::key_test {
namespace {

using tests::fixed_key;
using tests::unhex;

// 32 bytes, least first, of p + that much, with the sign bit of x set or not.
std::string from_prime(int above, bool sign) {
  std::string bytes(32, '\xff');
  bytes.front() = static_cast<char>(0xed + above);
  bytes.back() = static_cast<char>(sign ? 0xff : 0x7f);
  return bytes;
}

}  // namespace

TEST_CASE("ed25519: the vectors of RFC 8032 section 7.1 come out") {
  struct Row {
    std::string_view seed, public_key, message, signature;
  };

  const Row rows[] = {{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                       "",
                       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a"
                       "33bacc61e39701cf9"
                       "b46bd25bf5f0595bbe24655141438e7a100b"},
                      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                       "72",
                       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e1"
                       "5996e458f3613d0f1"
                       "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
                      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                       "af82",
                       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d1"
                       "6f290ae67f760984d"
                       "c6594a7c15e9716ed28dc027beceea1ec40a"},
                      {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
                       "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
                       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274"
                       "fc1a836ba3c23a3fe"
                       "ebbd454d4423643ce80e2a9ac94fa54ca49f",
                       "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac9"
                       "0b3ecfdfbc7c66431"
                       "e0303dca179c138ac17ad9bef1177331a704"}};
  for (const auto& [seed, public_key, message, signature] : rows) {
    const auto pair = ed25519::Pair::from_seed(unhex(seed));
    REQUIRE(pair);
    CHECK(hex(pair->public_bytes()) == public_key);
    CHECK(hex(pair->sign(unhex(message)).value()) == signature);
    CHECK(ed25519::verify(unhex(public_key), unhex(message), unhex(signature)));
    CHECK_FALSE(ed25519::verify(unhex(public_key), unhex(message) + "x", unhex(signature)));
    CHECK(PublicKey::from_bytes(unhex(public_key)));
  }
}

TEST_CASE("ed25519: a changed bit, a malleated or cut signature does not hold") {
  const auto pair = ed25519::Pair::from_seed(std::string(32, 'k'));
  REQUIRE(pair);
  const std::string good = pair->sign("stop").value();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(ed25519::verify(pair->public_bytes(), "stop", changed));
  }
  CHECK_FALSE(ed25519::verify(pair->public_bytes(), "stop", good.substr(0, 63)));
  CHECK_FALSE(ed25519::verify(pair->public_bytes(), "stop", good + '\0'));
  CHECK_FALSE(ed25519::verify(pair->public_bytes(), "stop", ""));

  // S + L: the same value for arithmetic that does not check its range.
  const std::string order =
      unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  std::string malleated = good;
  int carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += static_cast<unsigned char>(good[32 + i]) + static_cast<unsigned char>(order[i]);
    malleated[32 + i] = static_cast<char>(carry);
    carry >>= 8;
  }
  REQUIRE(malleated != good);
  CHECK_FALSE(ed25519::verify(pair->public_bytes(), "stop", malleated));
}

TEST_CASE("key: a point of low order is refused in every spelling, though OpenSSL takes it") {
  // The identity point verifies a signature of R = identity, S = 0 for any message at all.
  const std::string identity = "\x01" + std::string(31, '\0');
  const std::string forged = identity + std::string(32, '\0');
  REQUIRE(ed25519::verify(identity, "whatever", forged));

  const std::string_view low[] = {
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      // x = 0 with the sign of x set
      "0100000000000000000000000000000000000000000000000000000000000080",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
  for (const auto digits : low) {
    CAPTURE(digits);
    const auto key = PublicKey::from_bytes(unhex(digits));
    REQUIRE_FALSE(key);
    CHECK(key.error().code == ErrorCode::bad_payload);
    CHECK(key.error().message.find("low order") != std::string::npos);
  }
}

TEST_CASE("key: y not below the field's prime is refused, low order or not") {
  for (int above = 0; above < 19; ++above) {
    for (const bool sign : {false, true}) {
      const auto key = PublicKey::from_bytes(from_prime(above, sign));
      REQUIRE_FALSE(key);
      CHECK(key.error().message.find("canonical") != std::string::npos);
    }
  }
}

TEST_CASE("key: bytes that are no point of the curve, or not 32, are refused") {
  // About half of all y have no x. OpenSSL finds that out at the first signature only.
  int refused = 0;
  for (int i = 2; i < 102; ++i) {
    std::string bytes(32, '\0');
    bytes.front() = static_cast<char>(i);
    refused += PublicKey::from_bytes(bytes) ? 0 : 1;
  }
  CHECK(refused > 25);
  CHECK(refused < 75);
  CHECK_FALSE(PublicKey::from_bytes("\x02" + std::string(31, '\0')));
  for (const std::size_t length : {0, 31, 33, 64}) {
    CHECK_FALSE(PublicKey::from_bytes(std::string(length, '\x58')));
  }
}

TEST_CASE("key: every key that is made passes its own check, and its text names it") {
  std::set<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    const auto key = PrivateKey::generate();
    REQUIRE(key);
    const auto& known = key->public_key();
    CHECK(PublicKey::from_bytes(known.bytes()).value() == known);
    CHECK(PublicKey::parse(known.text()).value() == known);
    CHECK(ids.insert(known.id()).second);
  }
}

TEST_CASE("key: the text forms of a key are a contract") {
  const auto key = fixed_key(7);
  CHECK(key.public_key().text() == "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw");
  CHECK(key.public_key().text().size() == 43);
  CHECK(key.public_key().id().size() == 32);
  const auto fingerprint = key.public_key().fingerprint();
  CHECK(fingerprint.size() == 39);
  std::string digits;
  for (const char c : fingerprint) {
    digits.append(c == '-' ? 0 : 1, c);
  }
  CHECK(digits == key.public_key().id());
  CHECK(tests::is_golden(
      "key.txt",
      key.public_key().text() + "\n" + key.public_key().id() + "\n" + fingerprint + "\n"));
  for (const auto& text :
       {std::string(), key.public_key().text() + "A", key.public_key().text() + "="}) {
    CHECK(PublicKey::parse(text).error().code == ErrorCode::bad_payload);
  }
}

TEST_CASE("key: a signature for one purpose is none for another") {
  const auto key = fixed_key(1);
  const Purpose purposes[] = {
      Purpose::message, Purpose::policy, Purpose::bundle, Purpose::enrollment, Purpose::journal};
  for (const auto made_for : purposes) {
    const auto signature = key.sign(made_for, "the same bytes").value();
    for (const auto held_as : purposes) {
      CHECK(key.public_key().verifies(held_as, "the same bytes", signature) ==
            (made_for == held_as));
    }
    CHECK_FALSE(fixed_key(2).public_key().verifies(made_for, "the same bytes", signature));
  }
}

TEST_CASE("secret: it moves, and is empty where it has left") {
  auto from = Secret::copy_of("passphrase");
  auto to = std::move(from);
  CHECK(to.view() == "passphrase");
  CHECK(from.size() == 0);  // NOLINT(bugprone-use-after-move): that is the promise
  to.shorten(4);
  CHECK(to.view() == "pass");
  to = Secret::copy_of("x");
  CHECK(to.view() == "x");
}

}  // namespace steward::identity::key_test
