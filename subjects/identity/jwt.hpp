#pragma once

#include "subjects/identity/nkey.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace steward::identity {

// The longest JWT that is read: a broker takes 1 MiB a message.
inline constexpr std::size_t kLongestJwt = 1024 * 1024;

// The claims with `iss` and `jti` added, signed: header.claims.signature. Errors: internal.
[[nodiscard]] Result<std::string> sign_jwt(nlohmann::json claims, const NkeyPair& signer);

// The claims of a JWT that its own `iss` has signed. Whether that issuer is anybody is the caller's
// question. Errors: bad_payload, bad_signature.
[[nodiscard]] Result<nlohmann::json> open_jwt(std::string_view text);

std::int64_t unix_seconds(wire::Timestamp time);

}  // namespace steward::identity
