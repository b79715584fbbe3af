#include "subjects/identity/login_configuration.hpp"

#include "subjects/identity/jwt.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace steward::identity {
namespace {

// The word behind "<key>: ", where that stands at a line's beginning; blanks before it do not
// count.
std::string_view word_behind(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.substr(0, key.size()) == key && line.substr(key.size(), 2) == ": ") {
      line.remove_prefix(key.size() + 2);
      return line.substr(0, line.find_first_of(" \r"));
    }
  }
  return {};
}

// Past every login that a key could still be given: whoever signs logins cannot bring one back.
constexpr std::chrono::hours kForGood{24 * 365 * 100};

Result<std::int64_t> issued_at(std::string_view jwt) {
  STEWARD_TRY(const auto claims, open_jwt(jwt));
  const auto at = claims.find("iat");
  return at != claims.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
}

// Who has signed a JWT of an operator is in it: the configuration is our own.
Result<OperatorClaims> operator_in(std::string_view jwt) {
  STEWARD_TRY(const auto claims, open_jwt(jwt));
  STEWARD_TRY(const auto own, Nkey::parse(claims.value("iss", "")));
  return verify_operator(jwt, own);
}

std::string with_word(std::string text, std::string_view from, std::string_view to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

// The one account of the preload that is not the broker's own.
std::string_view account_name(std::string_view text, const Nkey& system) {
  constexpr std::string_view kResolverHead = "resolver_preload: {";
  const auto at = text.find(kResolverHead);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + kResolverHead.size());
  while (!text.empty()) {
    text.remove_prefix(std::min(text.find_first_not_of(" \r\n"), text.size()));
    const auto line = text.substr(0, text.find('\n'));
    const auto name = line.substr(0, line.find(':'));
    if (Nkey::parse(name) && name != system.text()) {
      return name;
    }
    text.remove_prefix(line.size());
  }
  return {};
}

}  // namespace

std::string LoginConfiguration::text_of(const Parts& parts) {
  return "operator: " + parts.operator_jwt + "\nsystem_account: " + parts.system_account.text() +
         "\nresolver: " + parts.resolver + "\nresolver_preload: {\n  " + parts.account.text() +
         ": " + parts.account_jwt + "\n  " + parts.system_account.text() + ": " + parts.system_jwt +
         "\n}\n";
}

Result<LoginConfiguration> LoginConfiguration::parse(std::string text, wire::Timestamp now) {
  const auto operator_jwt = word_behind(text, "operator");
  const auto system = Nkey::parse(word_behind(text, "system_account"));
  const auto name = system ? account_name(text, *system) : std::string_view();
  std::string jwt(name.empty() ? std::string_view() : word_behind(text, name));
  if (operator_jwt.empty() || jwt.empty()) {
    return failure(ErrorCode::bad_config, "it names no operator, or no account of a cluster");
  }
  STEWARD_TRY(auto above, operator_in(operator_jwt));
  STEWARD_TRY(auto account, verify_account(jwt, above, now));
  return LoginConfiguration(std::move(text), std::move(above), std::move(account), std::move(jwt));
}

Result<std::string> LoginConfiguration::with_account(std::string_view jwt,
                                                     wire::Timestamp now) const {
  if (jwt == account_jwt_) {
    return text_;
  }
  STEWARD_TRY(const auto account, verify_account(jwt, above_, now));
  STEWARD_TRY(const auto issued, issued_at(jwt));
  STEWARD_TRY(const auto present, issued_at(account_jwt_));
  if (account.key != account_.key) {
    return failure(ErrorCode::denied, "JWT: it is of another account");
  }
  if (issued <= present) {
    return failure(ErrorCode::denied, "JWT: it is not later than the one in force");
  }
  return with_word(text_, account_jwt_, jwt);
}

Result<std::string> LoginConfiguration::revoke(const std::vector<Nkey>& users,
                                               const NkeyPair& operator_signing,
                                               wire::Timestamp now) const {
  const auto& signers = above_.signing_keys;
  if (std::find(signers.begin(), signers.end(), operator_signing.public_key()) == signers.end()) {
    return failure(ErrorCode::bad_config, "the key is not the one that signs this account");
  }
  auto claims = account_;
  for (const auto& user : users) {
    claims.revoked[user.text()] = unix_seconds(now + kForGood);
  }
  if (claims.revoked.size() > kMostRevocations) {
    return failure(ErrorCode::too_large,
                   "an account holds at most " + std::to_string(kMostRevocations) +
                       " revocations: give all others a new signing key instead");
  }
  // Each is later than the one before, also two of one second.
  STEWARD_TRY(const auto present, issued_at(account_jwt_));
  return sign_account(
      claims, operator_signing, std::max(now, wire::Timestamp(std::chrono::seconds(present + 1))));
}

}  // namespace steward::identity
