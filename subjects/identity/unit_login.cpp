#include "subjects/identity/unit_login.hpp"

#include "subjects/identity/files.hpp"
#include "subjects/identity/jwt.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::identity {
namespace {

using std::filesystem::path;

template <class T>
Result<T> of(const path& file, Result<T> read) {
  return std::move(read).map_error([&file](const Error& error) {
    return Error{error.code == ErrorCode::bad_payload ? ErrorCode::bad_config : error.code,
                 file.string() + ": " + error.message};
  });
}

Result<NkeyPair> scope_in(const path& file) {
  STEWARD_TRY(const auto seed, of(file, read_secret_file(file)));
  STEWARD_TRY(auto pair, of(file, NkeyPair::parse_seed(seed.view())));
  if (pair.public_key().kind() != NkeyKind::account) {
    return failure(ErrorCode::bad_config, file.string() + " is no key that signs logins");
  }
  return pair;
}

Result<std::string> sign(const wire::NodeName& unit,
                         const Nkey& user,
                         const Nkey& account,
                         const NkeyPair& scope,
                         wire::Timestamp now,
                         wire::Timestamp until) {
  return sign_user({user, unit.str(), account, until, std::nullopt}, scope, now);
}

wire::Timestamp at_second(std::int64_t seconds) {
  return wire::Timestamp(std::chrono::seconds(seconds));
}

}  // namespace

Result<UnitLoginKeys> read_unit_login_keys(const path& folder) {
  const auto account_file = folder / "account";
  STEWARD_TRY(const auto text, of(account_file, read_file(account_file)));
  STEWARD_TRY(auto account, of(account_file, Nkey::parse(text.substr(0, text.find('\n')))));
  STEWARD_TRY(auto unit, scope_in(folder / "unit-login.seed"));
  STEWARD_TRY(auto enrolling, scope_in(folder / "enrolling-login.seed"));
  return UnitLoginKeys{std::move(account), std::move(unit), std::move(enrolling)};
}

Result<std::string> sign_unit_login(const wire::NodeName& unit,
                                    const Nkey& user,
                                    const UnitLoginKeys& keys,
                                    wire::Timestamp now,
                                    std::chrono::seconds life) {
  return sign(unit, user, keys.account, keys.unit_scope, now, now + life);
}

Result<std::string> sign_enrolling_login(const wire::NodeName& unit,
                                         const Nkey& user,
                                         const UnitLoginKeys& keys,
                                         wire::Timestamp now,
                                         wire::Timestamp until) {
  return sign(unit, user, keys.account, keys.enrolling_scope, now, until);
}

Result<LoginClaims> read_login(std::string_view jwt) {
  STEWARD_TRY(const auto claims, open_jwt(jwt));
  const auto text = [](const nlohmann::json& object, const char* name) {
    const auto at = object.find(name);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const auto nats = claims.value("nats", nlohmann::json::object());
  const auto issued = claims.value("iat", nlohmann::json());
  const auto expires = claims.value("exp", nlohmann::json());
  const auto name = wire::NodeName::parse(text(claims, "name"));
  if (!nats.is_object() || text(nats, "type") != "user" || !issued.is_number_integer() ||
      !(expires.is_null() || expires.is_number_integer()) || !name) {
    return failure(ErrorCode::bad_payload, "JWT: not the login of a user");
  }
  STEWARD_TRY(auto user, Nkey::parse(text(claims, "sub")));
  STEWARD_TRY(auto issuer, Nkey::parse(text(claims, "iss")));
  STEWARD_TRY(auto account, Nkey::parse(text(nats, "issuer_account")));
  LoginClaims login{std::move(user),
                    std::move(issuer),
                    std::move(account),
                    name->str(),
                    at_second(issued.get<std::int64_t>()),
                    std::nullopt};
  if (!expires.is_null()) {
    login.expires = at_second(expires.get<std::int64_t>());
  }
  return login;
}

Result<LoginClaims> check_renewed_login(const LoginClaims& present, std::string_view jwt) {
  STEWARD_TRY(auto next, read_login(jwt));
  if (next.user != present.user || next.issuer != present.issuer ||
      next.account != present.account || next.name != present.name) {
    return failure(ErrorCode::denied, "the login is another one's, or of another signer");
  }
  if (next.issued < present.issued) {
    return failure(ErrorCode::denied, "the login is older than the present one");
  }
  return next;
}

}  // namespace steward::identity
