#include "subjects/identity/jwt.hpp"

#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <utility>

namespace steward::identity {
namespace {

constexpr std::string_view kHeader = R"({"typ":"JWT","alg":"ed25519-nkey"})";

// One part of a JWT, as JSON.
Result<nlohmann::json> part(std::string_view text, std::string_view name) {
  const auto bytes = parse_base64url(text);
  if (!bytes) {
    return failure(ErrorCode::bad_payload,
                   std::string("JWT: the ").append(name) + " is not base64url");
  }
  auto object = wire::parse_json(*bytes);
  if (!object || !object->is_object()) {
    return failure(ErrorCode::bad_payload,
                   std::string("JWT: the ").append(name) + " is not an object");
  }
  return object;
}

std::string text_field(const nlohmann::json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace

Result<std::string> sign_jwt(nlohmann::json claims, const NkeyPair& signer) {
  claims["iss"] = signer.public_key().text();
  claims["jti"] = base32(sha256(wire::dump_json(claims)));
  const std::string body =
      base64url(kHeader).append(".").append(base64url(wire::dump_json(claims)));
  STEWARD_TRY(const auto signature, signer.sign(body));
  return body + "." + base64url(signature);
}

Result<nlohmann::json> open_jwt(std::string_view text) {
  if (text.size() > kLongestJwt) {
    return failure(ErrorCode::bad_payload, "JWT: it is longer than 1 MiB");
  }
  const auto first = text.find('.');
  const auto second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) {
    return failure(ErrorCode::bad_payload, "JWT: it has not three parts");
  }
  STEWARD_TRY(const auto header, part(text.substr(0, first), "header"));
  // Any other algorithm is refused by name: "none" and the like are the oldest attack there is.
  if (text_field(header, "typ") != "JWT" || text_field(header, "alg") != "ed25519-nkey") {
    return failure(ErrorCode::bad_payload, "JWT: the algorithm is not ed25519-nkey");
  }
  STEWARD_TRY(auto claims, part(text.substr(first + 1, second - first - 1), "claims"));
  auto issuer = Nkey::parse(text_field(claims, "iss"));
  if (!issuer) {
    return tl::unexpected<Error>(std::move(issuer).error().with_context("JWT: iss"));
  }
  const auto signature = parse_base64url(text.substr(second + 1));
  if (!signature || !issuer->verifies(text.substr(0, second), *signature)) {
    return failure(ErrorCode::bad_signature, "JWT: the signature does not hold");
  }
  return claims;
}

std::int64_t unix_seconds(wire::Timestamp time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace steward::identity
