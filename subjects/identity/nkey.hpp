#pragma once

#include "subjects/identity/ed25519.hpp"
#include "subjects/identity/secret.hpp"
#include "subjects/wire/error.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace steward::identity {

// Whose key it is, to the broker.
// NOLINTNEXTLINE(readability-identifier-naming): the word itself is taken
enum class NkeyKind { operator_, account, user };

// A public key as NATS writes it: base32 of a prefix byte, the 32 bytes and their CRC-16 (XMODEM,
// least byte first): 56 characters that begin with O, A or U. For logins only, never for messages:
// whoever logs in signs what the broker asks for.
class Nkey {
 public:
  // Refuses what PublicKey refuses, and other kinds. Errors: bad_payload.
  [[nodiscard]] static Result<Nkey> parse(std::string_view text);
  [[nodiscard]] static Result<Nkey> from_bytes(NkeyKind kind, std::string_view bytes);

  NkeyKind kind() const { return kind_; }

  const std::string& bytes() const { return bytes_; }

  std::string text() const;

  bool verifies(std::string_view bytes, std::string_view signature) const;

  auto operator<=>(const Nkey&) const = default;

 private:
  Nkey(NkeyKind kind, std::string bytes) : kind_(kind), bytes_(std::move(bytes)) {}

  NkeyKind kind_;
  std::string bytes_;
};

// A key pair of that form; its seed in text is 58 characters that begin with SO, SA or SU.
class NkeyPair {
 public:
  // Errors: internal.
  [[nodiscard]] static Result<NkeyPair> generate(NkeyKind kind);

  // Errors: bad_payload.
  [[nodiscard]] static Result<NkeyPair> from_seed(NkeyKind kind, std::string_view seed);
  [[nodiscard]] static Result<NkeyPair> parse_seed(std::string_view text);

  const Nkey& public_key() const { return public_key_; }

  Secret seed_text() const;

  // 64 bytes. Errors: internal.
  [[nodiscard]] Result<std::string> sign(std::string_view bytes) const { return pair_.sign(bytes); }

 private:
  NkeyPair(ed25519::Pair pair, Nkey public_key);

  ed25519::Pair pair_;
  Nkey public_key_;
};

}  // namespace steward::identity
