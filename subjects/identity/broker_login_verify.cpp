#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/jwt.hpp"
#include "subjects/wire/fields.hpp"
#include "subjects/wire/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

namespace steward::identity {
namespace {

using nlohmann::json;

constexpr std::int64_t kLatest = std::numeric_limits<std::int32_t>::max() * std::int64_t{100};

// The claims that every kind has, and the object "nats" of this kind.
struct ReadLogin {
  Nkey issuer;
  Nkey subject;
  std::string name;
  std::int64_t issued;
  std::optional<std::int64_t> expires;
  json nats;
};

Result<Nkey> key_in(std::string_view text, std::string_view where) {
  auto key = Nkey::parse(text);
  if (!key) {
    return tl::unexpected<Error>(
        std::move(key).error().with_context(std::string("JWT: ").append(where)));
  }
  return key;
}

Result<std::vector<Nkey>> keys_in(const std::vector<std::string>& texts, NkeyKind kind) {
  std::vector<Nkey> keys;
  for (const auto& text : texts) {
    STEWARD_TRY(auto key, key_in(text, "signing_keys"));
    if (key.kind() != kind) {
      return failure(ErrorCode::bad_payload, "JWT: a signing key is of another kind");
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<void> without_leftovers(wire::Fields& fields) {
  return fields.finish().map([](const auto&) {});
}

Result<ReadLogin> read_jwt(std::string_view jwt, std::string_view type, NkeyKind kind) {
  STEWARD_TRY(const auto claims, open_jwt(jwt));
  wire::Fields fields(claims);
  STEWARD_TRY(auto issuer, key_in(fields.required_text("iss"), "iss"));
  STEWARD_TRY(auto subject, key_in(fields.required_text("sub"), "sub"));
  const auto name = fields.text("name");
  const auto issued = fields.integer("iat", 0, 0, kLatest);
  const auto expires = fields.optional_integer("exp", 1, kLatest);
  if (auto whole = without_leftovers(fields); !whole) {
    return tl::unexpected<Error>(std::move(whole).error().with_context("JWT"));
  }
  const auto nats = claims.find("nats");
  if (nats == claims.end() || !nats->is_object() || nats->value("version", json()) != 2 ||
      nats->value("type", json()) != type || subject.kind() != kind) {
    return failure(ErrorCode::bad_payload,
                   std::string("JWT: it is not one of version 2 for the kind ").append(type));
  }
  return ReadLogin{std::move(issuer), std::move(subject), name, issued, expires, *nats};
}

Result<void> in_time(const ReadLogin& claims, wire::Timestamp now) {
  if (claims.expires && *claims.expires <= unix_seconds(now)) {
    return failure(ErrorCode::expired, "JWT: it has expired");
  }
  return {};
}

std::vector<std::string> subjects_of(wire::Fields& fields, std::string_view direction) {
  std::vector<std::string> subjects;
  fields.object(direction, [&subjects](wire::Fields& inner) { subjects = inner.texts("allow"); });
  return subjects;
}

Permissions read_permissions(wire::Fields& fields) {
  return {subjects_of(fields, "pub"), subjects_of(fields, "sub")};
}

Result<ScopedKey> scoped_key_of(const json& object) {
  wire::Fields fields(object);
  fields.choice("kind", {"user_scope"}, 0);
  STEWARD_TRY(auto key, key_in(fields.required_text("key"), "signing_keys"));
  ScopedKey scope{std::move(key), fields.text("role"), {}};
  fields.object("template",
                [&scope](wire::Fields& rights) { scope.permissions = read_permissions(rights); });
  if (auto whole = without_leftovers(fields); !whole) {
    return tl::unexpected<Error>(std::move(whole).error().with_context("JWT: signing_keys"));
  }
  return scope;
}

// Plain keys are texts, scoped ones objects, in one list.
Result<void> read_signing_keys(const json& nats, AccountClaims& account) {
  const auto list = nats.find("signing_keys");
  if (list == nats.end() || list->is_null()) {
    return {};
  }
  if (!list->is_array()) {
    return failure(ErrorCode::bad_payload, "JWT: signing_keys must be a list");
  }
  for (const auto& item : *list) {
    if (!item.is_string() && !item.is_object()) {
      return failure(ErrorCode::bad_payload, "JWT: a signing key is a text or an object");
    }
    if (item.is_object()) {
      STEWARD_TRY(auto scope, scoped_key_of(item));
      account.scoped_keys.push_back(std::move(scope));
    } else {
      STEWARD_TRY(auto key, key_in(item.get<std::string>(), "signing_keys"));
      account.signing_keys.push_back(std::move(key));
    }
  }
  const bool accounts =
      std::all_of(account.signing_keys.begin(),
                  account.signing_keys.end(),
                  [](const Nkey& key) { return key.kind() == NkeyKind::account; }) &&
      std::all_of(account.scoped_keys.begin(),
                  account.scoped_keys.end(),
                  [](const ScopedKey& scope) { return scope.key.kind() == NkeyKind::account; });
  if (!accounts) {
    return failure(ErrorCode::bad_payload, "JWT: a signing key is not an account's");
  }
  return {};
}

Result<std::map<std::string, std::int64_t>> revoked_of(const json& nats) {
  std::map<std::string, std::int64_t> revoked;
  const auto list = nats.find("revocations");
  if (list == nats.end() || list->is_null()) {
    return revoked;
  }
  if (!list->is_object()) {
    return failure(ErrorCode::bad_payload, "JWT: revocations must be an object");
  }
  for (const auto& [key, moment] : list->items()) {
    if (!moment.is_number_integer()) {
      return failure(ErrorCode::bad_payload, "JWT: a revocation must be a time in seconds");
    }
    revoked[key] = moment.get<std::int64_t>();
  }
  return revoked;
}

bool is_revoked(const AccountClaims& account, const ReadLogin& user) {
  const auto hits = [&](const std::string& key) {
    const auto at = account.revoked.find(key);
    return at != account.revoked.end() && user.issued <= at->second;
  };
  return hits(user.subject.text()) || hits("*");
}

// A user of a scoped key brings nothing but its name: each right beside the template is an attempt.
bool brings_rights(const json& nats) {
  constexpr std::array<std::string_view, 6> kKnown{
      "type", "version", "issuer_account", "pub", "sub", "tags"};
  return std::any_of(nats.items().begin(), nats.items().end(), [&](const auto& item) {
    const bool known = std::find(kKnown.begin(), kKnown.end(), item.key()) != kKnown.end();
    const bool is_list = item.key() == "pub" || item.key() == "sub";
    return !known || (is_list && !item.value().empty());
  });
}

}  // namespace

Result<OperatorClaims> verify_operator(std::string_view jwt, const Nkey& pinned) {
  STEWARD_TRY(const auto claims, read_jwt(jwt, "operator", NkeyKind::operator_));
  if (claims.issuer != pinned || claims.subject != pinned) {
    return failure(ErrorCode::bad_signature, "JWT: it is of another operator");
  }
  wire::Fields fields(claims.nats);
  STEWARD_TRY(auto keys, keys_in(fields.texts("signing_keys"), NkeyKind::operator_));
  const auto system = fields.text("system_account");
  if (auto whole = without_leftovers(fields); !whole) {
    return tl::unexpected<Error>(std::move(whole).error().with_context("JWT"));
  }
  OperatorClaims out{claims.subject, claims.name, std::move(keys), std::nullopt};
  if (!system.empty()) {
    STEWARD_TRY(out.system_account, key_in(system, "system_account"));
  }
  return out;
}

Result<AccountClaims> verify_account(std::string_view jwt,
                                     const OperatorClaims& above,
                                     wire::Timestamp now) {
  STEWARD_TRY(const auto claims, read_jwt(jwt, "account", NkeyKind::account));
  // Not the operator's own key: that one stays offline.
  if (std::find(above.signing_keys.begin(), above.signing_keys.end(), claims.issuer) ==
      above.signing_keys.end()) {
    return failure(ErrorCode::bad_signature,
                   "JWT: the account is not signed by a signing key of this operator");
  }
  if (auto good = in_time(claims, now); !good) {
    return tl::unexpected<Error>(std::move(good).error());
  }
  STEWARD_TRY(auto revoked, revoked_of(claims.nats));
  const auto limits = claims.nats.find("limits");
  const bool streams = limits != claims.nats.end() && limits->is_object() &&
                       limits->value("disk_storage", json()) == -1;
  AccountClaims out{claims.subject,
                    claims.name,
                    streams ? Streams::unlimited : Streams::none,
                    {},
                    {},
                    std::move(revoked)};
  if (auto read = read_signing_keys(claims.nats, out); !read) {
    return tl::unexpected<Error>(std::move(read).error());
  }
  return out;
}

Result<UserClaims> verify_user(std::string_view jwt,
                               const AccountClaims& above,
                               wire::Timestamp now) {
  STEWARD_TRY(const auto claims, read_jwt(jwt, "user", NkeyKind::user));
  const auto& keys = above.signing_keys;
  const bool plain = std::find(keys.begin(), keys.end(), claims.issuer) != keys.end();
  const bool scoped = std::any_of(above.scoped_keys.begin(),
                                  above.scoped_keys.end(),
                                  [&](const auto& scope) { return scope.key == claims.issuer; });
  if ((!plain && !scoped) || claims.nats.value("issuer_account", json()) != above.key.text()) {
    return failure(ErrorCode::bad_signature,
                   "JWT: the user is not signed by a key of this account");
  }
  if (auto good = in_time(claims, now); !good) {
    return tl::unexpected<Error>(std::move(good).error());
  }
  if (auto name = wire::NodeName::parse(claims.name); !name) {
    return tl::unexpected<Error>(std::move(name).error().with_context("JWT: a login's name"));
  }
  if (is_revoked(above, claims)) {
    return failure(ErrorCode::denied, "JWT: the user is revoked");
  }
  UserClaims out{claims.subject, claims.name, above.key, std::nullopt, std::nullopt};
  if (claims.expires) {
    out.expires = wire::Timestamp(std::chrono::seconds(*claims.expires));
  }
  if (plain) {
    wire::Fields fields(claims.nats);
    out.permissions = read_permissions(fields);
    if (auto whole = without_leftovers(fields); !whole) {
      return tl::unexpected<Error>(std::move(whole).error().with_context("JWT"));
    }
  } else if (brings_rights(claims.nats)) {
    return failure(ErrorCode::denied, "JWT: a user of a scoped key brings rights of its own");
  }
  return out;
}

}  // namespace steward::identity
