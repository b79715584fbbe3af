#include "subjects/identity/broker_login.hpp"

#include "subjects/identity/jwt.hpp"
#include "subjects/wire/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::identity {
namespace {

using nlohmann::json;

constexpr int kUnlimited = -1;

json texts_of(const std::vector<Nkey>& keys) {
  json list = json::array();
  for (const auto& key : keys) {
    list.push_back(key.text());
  }
  return list;
}

// Empty lists are left out by the broker's own library, and then nothing is restricted: what nobody
// may use stands for "nothing" instead.
json allowed(const std::vector<std::string>& subjects) {
  return subjects.empty() ? json{{"deny", {">"}}} : json{{"allow", subjects}};
}

json json_of_permissions(const Permissions& permissions) {
  return {{"pub", allowed(permissions.publish)},
          {"sub", allowed(permissions.subscribe)},
          {"subs", kUnlimited},
          {"data", kUnlimited},
          {"payload", kUnlimited}};
}

json scoped(const ScopedKey& scope) {
  return {{"kind", "user_scope"},
          {"key", scope.key.text()},
          {"role", scope.role},
          {"template", json_of_permissions(scope.permissions)}};
}

json limits_of(Streams streams) {
  const int storage = streams == Streams::unlimited ? kUnlimited : 0;
  return {{"subs", kUnlimited},
          {"data", kUnlimited},
          {"payload", kUnlimited},
          {"imports", kUnlimited},
          {"exports", kUnlimited},
          {"wildcards", true},
          {"conn", kUnlimited},
          {"leaf", kUnlimited},
          {"mem_storage", storage},
          {"disk_storage", storage},
          {"streams", storage},
          {"consumer", storage}};
}

json claims_of(const Nkey& subject, const std::string& name, wire::Timestamp now, json nats) {
  nats["version"] = 2;
  return {{"sub", subject.text()},
          {"name", name},
          {"iat", unix_seconds(now)},
          {"nats", std::move(nats)}};
}

}  // namespace

Result<std::string> sign_operator(const OperatorClaims& claims,
                                  const NkeyPair& own,
                                  wire::Timestamp now) {
  if (own.public_key() != claims.key || claims.key.kind() != NkeyKind::operator_) {
    return failure(ErrorCode::bad_config, "an operator's JWT is signed by the operator's own key");
  }
  json nats{{"type", "operator"},
            {"signing_keys", texts_of(claims.signing_keys)},
            {"strict_signing_key_usage", true}};
  if (claims.system_account) {
    nats["system_account"] = claims.system_account->text();
  }
  return sign_jwt(claims_of(claims.key, claims.name, now, std::move(nats)), own);
}

Result<std::string> sign_account(const AccountClaims& claims,
                                 const NkeyPair& operator_signing,
                                 wire::Timestamp now) {
  if (operator_signing.public_key().kind() != NkeyKind::operator_ ||
      claims.key.kind() != NkeyKind::account) {
    return failure(ErrorCode::bad_config, "an account's JWT is signed by an operator's key");
  }
  json keys = texts_of(claims.signing_keys);
  std::transform(
      claims.scoped_keys.begin(), claims.scoped_keys.end(), std::back_inserter(keys), &scoped);
  json nats{{"type", "account"},
            {"limits", limits_of(claims.streams)},
            {"default_permissions", {{"pub", json::object()}, {"sub", json::object()}}}};
  if (!keys.empty()) {
    nats["signing_keys"] = std::move(keys);
  }
  if (!claims.revoked.empty()) {
    nats["revocations"] = claims.revoked;
  }
  return sign_jwt(claims_of(claims.key, claims.name, now, std::move(nats)), operator_signing);
}

Result<std::string> sign_user(const UserClaims& claims,
                              const NkeyPair& account_or_scoped,
                              wire::Timestamp now) {
  const auto& signer = account_or_scoped.public_key();
  if (signer.kind() != NkeyKind::account || claims.key.kind() != NkeyKind::user) {
    return failure(ErrorCode::bad_config, "a user's JWT is signed by an account's key");
  }
  if (auto name = wire::NodeName::parse(claims.name); !name) {
    return failure(ErrorCode::bad_config, "a login's name: " + name.error().message);
  }
  if (signer == claims.account) {
    return failure(ErrorCode::bad_config,
                   "a user's JWT is signed by a signing key, not by the account's own");
  }
  json nats = claims.permissions ? json_of_permissions(*claims.permissions)
                                 : json{{"pub", json::object()}, {"sub", json::object()}};
  nats["type"] = "user";
  nats["issuer_account"] = claims.account.text();
  auto out = claims_of(claims.key, claims.name, now, std::move(nats));
  if (claims.expires) {
    out["exp"] = unix_seconds(*claims.expires);
  }
  return sign_jwt(std::move(out), account_or_scoped);
}

// Whole tokens only: the broker puts no name into a part of one.
ScopedKey unit_role(const Nkey& key) {
  return {key,
          "unit",
          {{"{{name()}}.event.>"},
           {"{{name()}}.command.>",
            "@all.command.>",
            "*.event.received.{{name()}}",
            "_INBOX.{{name()}}.>"}}};
}

ScopedKey enrolling_role(const Nkey& key) {
  return {key,
          "enrolling",
          {{"{{name()}}.event.enroll.>"}, {"{{name()}}.command.enroll.>", "_INBOX.{{name()}}.>"}}};
}

}  // namespace steward::identity
