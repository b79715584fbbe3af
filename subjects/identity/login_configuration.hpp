#pragma once

#include "subjects/identity/broker_login.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace steward::identity {

// A broker holds every revocation in one JWT of at most 1 MiB.
inline constexpr std::size_t kMostRevocations = 10'000;

// The part of a nats-server's configuration that says who may log in, with one account for units,
// stations and people beside the broker's own.
class LoginConfiguration {
 public:
  struct Parts {
    std::string operator_jwt;
    Nkey system_account;
    std::string system_jwt;
    Nkey account;
    std::string account_jwt;
    std::string resolver;  // as the configuration says it: MEMORY, { type: full, ... }
  };

  static std::string text_of(const Parts& parts);

  // Finds those lines in a configuration; others are left as they are. Errors: bad_config, and
  // those of verify_operator() and verify_account().
  [[nodiscard]] static Result<LoginConfiguration> parse(std::string text, wire::Timestamp now);

  const AccountClaims& account() const { return account_; }

  // The whole text with another JWT of that account, which the operator has signed later than the
  // present one (the present one itself changes nothing). Errors: verify_account()'s; denied (of
  // another account, or not later: it may lack revocations).
  [[nodiscard]] Result<std::string> with_account(std::string_view jwt, wire::Timestamp now) const;

  // A JWT of that account for with_account(): no login of these users is good any more, nor one
  // that is signed for their keys later. Errors: too_large (kMostRevocations), bad_config (the key
  // is not one that signs accounts), internal.
  [[nodiscard]] Result<std::string> revoke(const std::vector<Nkey>& users,
                                           const NkeyPair& operator_signing,
                                           wire::Timestamp now) const;

 private:
  LoginConfiguration(std::string text, OperatorClaims above, AccountClaims account, std::string jwt)
      : text_(std::move(text)),
        above_(std::move(above)),
        account_(std::move(account)),
        account_jwt_(std::move(jwt)) {}

  std::string text_;
  OperatorClaims above_;
  AccountClaims account_;
  std::string account_jwt_;
};

}  // namespace steward::identity
