#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/jwt.hpp"
#include "subjects/identity/pem.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace steward::identity {
namespace {

constexpr std::string_view kBeginJwt = "-----BEGIN NATS USER JWT-----";
constexpr std::string_view kEndJwt = "------END NATS USER JWT------";
constexpr std::string_view kBeginSeed = "-----BEGIN USER NKEY SEED-----";
constexpr std::string_view kEndSeed = "------END USER NKEY SEED------";

// The one line between those two; none where there is no such block, or a second one.
std::optional<std::string_view> block(std::string_view text,
                                      std::string_view begin,
                                      std::string_view end) {
  std::optional<std::string_view> found;
  while (!text.empty()) {
    if (next_line(text) != begin) {
      continue;
    }
    const auto line = next_line(text);
    if (found || next_line(text) != end) {
      return std::nullopt;
    }
    found = line;
  }
  return found;
}

}  // namespace

Secret encode_credentials(std::string_view user_jwt, const NkeyPair& user) {
  const Secret seed = user.seed_text();
  const std::array<std::string_view, 7> lines{
      kBeginJwt, user_jwt, kEndJwt, "", kBeginSeed, seed.view(), kEndSeed};
  std::size_t size = 0;
  for (const auto line : lines) {
    size += line.size() + 1;
  }
  Secret text(size);
  char* to = text.data();
  for (const auto line : lines) {
    to = std::copy(line.begin(), line.end(), to);
    *to++ = '\n';
  }
  return text;
}

Result<Credentials> decode_credentials(std::string_view text) {
  const auto jwt = block(text, kBeginJwt, kEndJwt);
  const auto seed = block(text, kBeginSeed, kEndSeed);
  if (!jwt || !seed) {
    return failure(ErrorCode::bad_payload, "credentials: not one JWT and one seed of a user");
  }
  STEWARD_TRY(auto user, NkeyPair::parse_seed(*seed));
  STEWARD_TRY(const auto claims, open_jwt(*jwt));
  if (user.public_key().kind() != NkeyKind::user ||
      claims.value("sub", nlohmann::json()) != user.public_key().text()) {
    return failure(ErrorCode::bad_payload, "credentials: the seed is not that of the JWT's user");
  }
  return Credentials{std::string(*jwt), std::move(user)};
}

}  // namespace steward::identity
