#include "subjects/identity/nkey.hpp"

#include "subjects/identity/encoding.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace steward::identity {
namespace {

// Prefix bytes, chosen by NATS so that the first letters of the text say the kind.
constexpr unsigned kSeedPrefix = 18U << 3;
constexpr std::array<std::pair<NkeyKind, unsigned>, 3> kKinds{
    {{NkeyKind::operator_, 14U << 3}, {NkeyKind::account, 0U}, {NkeyKind::user, 20U << 3}}};

unsigned prefix_of(NkeyKind kind) {
  return std::find_if(
             kKinds.begin(), kKinds.end(), [kind](const auto& row) { return row.first == kind; })
      ->second;
}

Result<NkeyKind> kind_of(unsigned prefix) {
  for (const auto& [kind, known] : kKinds) {
    if (known == prefix) {
      return kind;
    }
  }
  return failure(ErrorCode::bad_payload, "the key is not one of an operator, account or user");
}

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

// CRC-16/XMODEM: polynomial 0x1021, from 0.
std::string checksum(std::string_view bytes) {
  unsigned crc = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    crc ^= byte_at(bytes, at) << 8;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
    }
    crc &= 0xffff;
  }
  return {static_cast<char>(crc & 0xff), static_cast<char>(crc >> 8)};
}

// The bytes of a text without their checksum. The string is the caller's to wipe.
Result<std::string> checked_bytes(std::string_view text, std::size_t expected) {
  auto bytes = parse_base32(text);
  if (!bytes || bytes->size() != expected + 2) {
    return failure(ErrorCode::bad_payload, "this is no key of NATS");
  }
  const std::string_view body = std::string_view(*bytes).substr(0, expected);
  if (checksum(body) != bytes->substr(expected)) {
    OPENSSL_cleanse(bytes->data(), bytes->size());
    return failure(ErrorCode::bad_payload, "the key's checksum does not fit: it is mistyped");
  }
  bytes->resize(expected);
  return bytes;
}

}  // namespace

Result<Nkey> Nkey::parse(std::string_view text) {
  STEWARD_TRY(const auto bytes, checked_bytes(text, 1 + ed25519::kPublicBytes));
  STEWARD_TRY(const auto kind, kind_of(byte_at(bytes, 0)));
  return from_bytes(kind, std::string_view(bytes).substr(1));
}

Result<Nkey> Nkey::from_bytes(NkeyKind kind, std::string_view bytes) {
  if (auto checked = ed25519::check_public(bytes); !checked) {
    return tl::unexpected<Error>(std::move(checked).error());
  }
  return Nkey(kind, std::string(bytes));
}

std::string Nkey::text() const {
  std::string bytes(1, static_cast<char>(prefix_of(kind_)));
  bytes += bytes_;
  return base32(bytes + checksum(bytes));
}

bool Nkey::verifies(std::string_view bytes, std::string_view signature) const {
  return ed25519::verify(bytes_, bytes, signature);
}

NkeyPair::NkeyPair(ed25519::Pair pair, Nkey public_key)
    : pair_(std::move(pair)), public_key_(std::move(public_key)) {}

Result<NkeyPair> NkeyPair::generate(NkeyKind kind) {
  STEWARD_TRY(auto pair, ed25519::Pair::generate());
  STEWARD_TRY(auto public_key, Nkey::from_bytes(kind, pair.public_bytes()));
  return NkeyPair(std::move(pair), std::move(public_key));
}

Result<NkeyPair> NkeyPair::from_seed(NkeyKind kind, std::string_view seed) {
  STEWARD_TRY(auto pair, ed25519::Pair::from_seed(seed));
  STEWARD_TRY(auto public_key, Nkey::from_bytes(kind, pair.public_bytes()));
  return NkeyPair(std::move(pair), std::move(public_key));
}

// The kind's five bits stand across the first two bytes.
Result<NkeyPair> NkeyPair::parse_seed(std::string_view text) {
  STEWARD_TRY(auto bytes, checked_bytes(text, 2 + ed25519::kSeedBytes));
  const unsigned first = byte_at(bytes, 0);
  const unsigned second = byte_at(bytes, 1);
  const auto kind = kind_of(((first & 7) << 5) | (second >> 3));
  auto pair = kind && (first & ~7U) == kSeedPrefix && (second & 7) == 0
                  ? from_seed(*kind, std::string_view(bytes).substr(2))
                  : failure(ErrorCode::bad_payload,
                            "this is no seed of an operator's, account's or user's key");
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return pair;
}

Secret NkeyPair::seed_text() const {
  const unsigned kind = prefix_of(public_key_.kind());
  std::string bytes{static_cast<char>(kSeedPrefix | (kind >> 5)),
                    static_cast<char>((kind & 31) << 3)};
  bytes.reserve(2 + ed25519::kSeedBytes + 2);  // so that no copy of the seed is left behind
  bytes += pair_.seed();
  bytes += checksum(bytes);
  std::string text = base32(bytes);
  auto secret = Secret::copy_of(text);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  OPENSSL_cleanse(text.data(), text.size());
  return secret;
}

}  // namespace steward::identity
