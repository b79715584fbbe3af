#pragma once

#include "subjects/identity/openssl_handles.hpp"
#include "subjects/identity/secret.hpp"
#include "subjects/wire/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>

// The bare algorithm of RFC 8032, for this room: what the rest of the house signs goes through
// PrivateKey, which says first what kind of thing is signed.
namespace steward::identity::ed25519 {

inline constexpr std::size_t kSeedBytes = 32;
inline constexpr std::size_t kPublicBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;

// A key pair. Its seed is wiped when it ends.
class Pair {
 public:
  // Errors: internal (the system gives no random numbers).
  [[nodiscard]] static Result<Pair> generate();

  // Errors: bad_payload (not 32 bytes).
  [[nodiscard]] static Result<Pair> from_seed(std::string_view seed);

  const std::string& public_bytes() const { return public_bytes_; }

  std::string_view seed() const { return seed_.view(); }

  // 64 bytes. May be called from several threads. Errors: internal.
  [[nodiscard]] Result<std::string> sign(std::string_view bytes) const;

 private:
  Pair(Secret seed, Handle<evp_pkey_st> key, std::string public_bytes);

  Secret seed_;
  Handle<evp_pkey_st> key_;
  std::string public_bytes_;
};

// Whether the bytes are a public key that can be trusted at all: the canonical encoding of a point
// of the curve that is not one of the eight of low order, for which anybody can make signatures.
// Errors: bad_payload, with the reason.
[[nodiscard]] Result<void> check_public(std::string_view bytes);

// Refuses malleated signatures (S not below the group's order) and whatever is not 64 bytes.
bool verify(std::string_view public_bytes, std::string_view bytes, std::string_view signature);

}  // namespace steward::identity::ed25519
