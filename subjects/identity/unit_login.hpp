#pragma once

#include "subjects/identity/broker_login.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/names.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

// The two logins of a unit, of one key: the one that it works with is short-lived and renewed; the
// other one holds as long as its authority, and is good for asking for the first one alone. A unit
// that was silent until its login had expired comes back by that.
namespace steward::identity {

inline constexpr std::chrono::hours kLoginLife{24 * 7};

// What signs them; a station has these, and they sign nobody else.
struct UnitLoginKeys {
  Nkey account;
  NkeyPair unit_scope;
  NkeyPair enrolling_scope;
};

// The files `account`, `unit-login.seed` and `enrolling-login.seed` of that folder. Errors:
// bad_config (a file that is none of ours), those of read_secret_file().
[[nodiscard]] Result<UnitLoginKeys> read_unit_login_keys(const std::filesystem::path& folder);

// JWTs for a unit's key. Errors: bad_config, internal.
[[nodiscard]] Result<std::string> sign_unit_login(const wire::NodeName& unit,
                                                  const Nkey& user,
                                                  const UnitLoginKeys& keys,
                                                  wire::Timestamp now,
                                                  std::chrono::seconds life = kLoginLife);
[[nodiscard]] Result<std::string> sign_enrolling_login(const wire::NodeName& unit,
                                                       const Nkey& user,
                                                       const UnitLoginKeys& keys,
                                                       wire::Timestamp now,
                                                       wire::Timestamp until);

// What a user's JWT says. Its issuer has signed it; whether the broker takes that issuer is not for
// whoever has no account's JWT to say.
struct LoginClaims {
  Nkey user;
  Nkey issuer;
  Nkey account;
  std::string name;
  wire::Timestamp issued;
  std::optional<wire::Timestamp> expires;
};

// Errors: bad_payload, bad_signature.
[[nodiscard]] Result<LoginClaims> read_login(std::string_view jwt);

// Whether a login may take the place of the present one, by whomever it was brought: the same user,
// name, account and issuer, and not issued before it. Errors: those of read_login(), denied.
[[nodiscard]] Result<LoginClaims> check_renewed_login(const LoginClaims& present,
                                                      std::string_view jwt);

}  // namespace steward::identity
