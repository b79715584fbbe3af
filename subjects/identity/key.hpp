#pragma once

#include "subjects/identity/ed25519.hpp"
#include "subjects/wire/error.hpp"

#include <compare>
#include <memory>
#include <string>
#include <string_view>

namespace steward::identity {

// What is signed. Each kind has a prefix of its own in the signed bytes, so that no signature of
// one kind holds for another.
enum class Purpose { message, policy, bundle, enrollment, journal };

// "steward-msg-v1\0" and the like, the final zero included.
std::string_view prefix(Purpose purpose);

// A public key for messages and documents: 32 bytes that have been checked.
class PublicKey {
 public:
  // Refuses points of low order, other spellings of a point and what is no point of the curve.
  // Errors: bad_payload.
  [[nodiscard]] static Result<PublicKey> from_bytes(std::string_view bytes);

  // The text form of text(). Errors: bad_payload.
  [[nodiscard]] static Result<PublicKey> parse(std::string_view text);

  const std::string& bytes() const { return bytes_; }

  std::string text() const;  // base64url, 43 characters

  // What ce-keyid says: the first 32 hexadecimal digits of SHA-256("steward-key-v1\0" + bytes).
  std::string id() const;

  // The id in groups of four, for two people who compare it: "9f86-d081-...".
  std::string fingerprint() const;

  bool verifies(Purpose purpose, std::string_view bytes, std::string_view signature) const;

  auto operator<=>(const PublicKey&) const = default;

 private:
  explicit PublicKey(std::string bytes) : bytes_(std::move(bytes)) {}

  std::string bytes_;
};

// A private key for messages and documents. It never logs in to a broker (that is what NkeyPair
// does): who logs in signs whatever the broker asks for.
class PrivateKey {
 public:
  // Errors: internal.
  [[nodiscard]] static Result<PrivateKey> generate();

  // Errors: bad_payload (not 32 bytes).
  [[nodiscard]] static Result<PrivateKey> from_seed(std::string_view seed);

  const PublicKey& public_key() const { return public_key_; }

  // 64 bytes. May be called from several threads. Errors: internal.
  [[nodiscard]] Result<std::string> sign(Purpose purpose, std::string_view bytes) const;

  // The 32 bytes themselves, for files and certificates; they live as long as this key.
  std::string_view seed() const { return pair_.seed(); }

 private:
  PrivateKey(ed25519::Pair pair, PublicKey public_key);

  ed25519::Pair pair_;
  PublicKey public_key_;
};

}  // namespace steward::identity
