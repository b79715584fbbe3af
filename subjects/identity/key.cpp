#include "subjects/identity/key.hpp"

#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"

#include <utility>

namespace steward::identity {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t kIdDigits = 32;

std::string with_prefix(Purpose purpose, std::string_view bytes) {
  return std::string(prefix(purpose)).append(bytes);
}

}  // namespace

std::string_view prefix(Purpose purpose) {
  switch (purpose) {
    case Purpose::message:
      return "steward-msg-v1\0"sv;
    case Purpose::policy:
      return "steward-policy-v1\0"sv;
    case Purpose::bundle:
      return "steward-bundle-v1\0"sv;
    case Purpose::enrollment:
      return "steward-enroll-v1\0"sv;
    case Purpose::journal:
      return "steward-journal-v1\0"sv;
  }
  return {};
}

Result<PublicKey> PublicKey::from_bytes(std::string_view bytes) {
  if (auto checked = ed25519::check_public(bytes); !checked) {
    return tl::unexpected<Error>(std::move(checked).error());
  }
  return PublicKey(std::string(bytes));
}

Result<PublicKey> PublicKey::parse(std::string_view text) {
  auto bytes = parse_base64url(text);
  if (!bytes) {
    return tl::unexpected<Error>(std::move(bytes).error().with_context("public key"));
  }
  return from_bytes(*bytes);
}

std::string PublicKey::text() const { return base64url(bytes_); }

std::string PublicKey::id() const {
  return hex(sha256(std::string("steward-key-v1\0"sv).append(bytes_))).substr(0, kIdDigits);
}

std::string PublicKey::fingerprint() const {
  const std::string digits = id();
  std::string text;
  for (std::size_t at = 0; at < digits.size(); at += 4) {
    text.append(at == 0 ? "" : "-").append(digits, at, 4);
  }
  return text;
}

bool PublicKey::verifies(Purpose purpose,
                         std::string_view bytes,
                         std::string_view signature) const {
  return ed25519::verify(bytes_, with_prefix(purpose, bytes), signature);
}

PrivateKey::PrivateKey(ed25519::Pair pair, PublicKey public_key)
    : pair_(std::move(pair)), public_key_(std::move(public_key)) {}

Result<PrivateKey> PrivateKey::generate() {
  STEWARD_TRY(auto pair, ed25519::Pair::generate());
  STEWARD_TRY(auto public_key, PublicKey::from_bytes(pair.public_bytes()));
  return PrivateKey(std::move(pair), std::move(public_key));
}

Result<PrivateKey> PrivateKey::from_seed(std::string_view seed) {
  STEWARD_TRY(auto pair, ed25519::Pair::from_seed(seed));
  STEWARD_TRY(auto public_key, PublicKey::from_bytes(pair.public_bytes()));
  return PrivateKey(std::move(pair), std::move(public_key));
}

Result<std::string> PrivateKey::sign(Purpose purpose, std::string_view bytes) const {
  return pair_.sign(with_prefix(purpose, bytes));
}

}  // namespace steward::identity
