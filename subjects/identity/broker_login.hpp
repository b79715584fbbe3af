#pragma once

#include "subjects/identity/nkey.hpp"
#include "subjects/identity/secret.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Who may use the broker: NATS JWTs, version 2. An operator's JWT stands in the broker's
// configuration; it names the keys that sign accounts. An account's JWT names the scoped keys that
// sign users, each with the rights of all its users, so a new unit needs one more user's JWT and no
// change at the broker.
//
// These rights hold honest programs apart; what a unit obeys is decided by signatures of messages
// alone.
namespace steward::identity {

// Subjects that may be published and heard; a list that is empty allows nothing.
struct Permissions {
  std::vector<std::string> publish;
  std::vector<std::string> subscribe;

  bool operator==(const Permissions&) const = default;
};

struct OperatorClaims {
  Nkey key;  // its own; stays offline for ever, signs this JWT alone
  std::string name;
  std::vector<Nkey> signing_keys;  // that sign accounts
  std::optional<Nkey> system_account;

  bool operator==(const OperatorClaims&) const = default;
};

// A key whose users have these rights, no more and no less. In a subject, a token "{{name()}}"
// stands for the user's name.
struct ScopedKey {
  Nkey key;
  std::string role;  // for people
  Permissions permissions;

  bool operator==(const ScopedKey&) const = default;
};

enum class Streams { none, unlimited };

struct AccountClaims {
  Nkey key;  // its own; the broker takes no user that this one signs
  std::string name;
  Streams streams = Streams::none;
  std::vector<Nkey> signing_keys;  // whose users bring rights of their own: people, the station
  std::vector<ScopedKey> scoped_keys;
  // Users whose JWT was issued at that second or before are out; "*" means every user.
  std::map<std::string, std::int64_t> revoked;

  bool operator==(const AccountClaims&) const = default;
};

struct UserClaims {
  Nkey key;
  std::string name;  // a DNS label: a login named "*" gets every unit's subjects
  Nkey account;
  std::optional<wire::Timestamp> expires;  // whole seconds
  // Where a signing key signs; users of a scoped key have that key's rights and none here.
  std::optional<Permissions> permissions;

  bool operator==(const UserClaims&) const = default;
};

// Each gives the JWT's text. Rights of a user are for signing keys, none for scoped ones: the
// caller knows which one it holds. Errors: bad_config (the signer is not one who can sign this; a
// name that is no label), internal.
[[nodiscard]] Result<std::string> sign_operator(const OperatorClaims& claims,
                                                const NkeyPair& own,
                                                wire::Timestamp now);
[[nodiscard]] Result<std::string> sign_account(const AccountClaims& claims,
                                               const NkeyPair& operator_signing,
                                               wire::Timestamp now);
[[nodiscard]] Result<std::string> sign_user(const UserClaims& claims,
                                            const NkeyPair& account_or_scoped,
                                            wire::Timestamp now);

// What the broker checks, and more: each looks at the step above it. To be asked before a JWT is
// pushed to a broker, which stores one of a foreign operator without a word. Errors: bad_payload
// (malformed), bad_signature (broken, or of an issuer that the step above does not name), expired,
// denied (revoked, or a scoped user that brings rights of its own), bad_subject (a user's name),
// unsupported (a scoped key of a kind that is not known).
[[nodiscard]] Result<OperatorClaims> verify_operator(std::string_view jwt, const Nkey& pinned);
[[nodiscard]] Result<AccountClaims> verify_account(std::string_view jwt,
                                                   const OperatorClaims& above,
                                                   wire::Timestamp now);
[[nodiscard]] Result<UserClaims> verify_user(std::string_view jwt,
                                             const AccountClaims& above,
                                             wire::Timestamp now);

// The rights of a unit, and of one that is not enrolled yet (subjects/wire/README.md).
ScopedKey unit_role(const Nkey& key);
ScopedKey enrolling_role(const Nkey& key);

// A file of credentials: the JWT and the seed of its key. To be written with Access::owner_only.
struct Credentials {
  std::string jwt;
  NkeyPair user;
};

[[nodiscard]] Secret encode_credentials(std::string_view user_jwt, const NkeyPair& user);

// The JWT is one that its issuer signed, and the seed is its subject's. Errors: bad_payload,
// bad_signature.
[[nodiscard]] Result<Credentials> decode_credentials(std::string_view text);

}  // namespace steward::identity
