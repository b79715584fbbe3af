#pragma once

#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/unit_login.hpp"

#include <chrono>
#include <string>

namespace steward::identity::tests {

// An operator, its account with both scoped roles, and the system's account; the same keys in each
// run for one number.
struct Broker {
  explicit Broker(std::uint8_t number = 0x40);

  NkeyPair operator_key, operator_signing, account, system, people, unit_scope, enroll_scope;
  OperatorClaims operator_claims;
  AccountClaims account_claims;

  std::string operator_jwt(wire::Timestamp now) const;
  std::string account_jwt(wire::Timestamp now) const;
  std::string system_jwt(wire::Timestamp now) const;

  // nats-server's whole configuration with the memory resolver; the broker is found by its
  // arguments.
  std::string configuration(wire::Timestamp now) const;

  UnitLoginKeys login_keys() const;

  UserClaims user(const NkeyPair& key, const std::string& name) const;
};

NkeyPair fixed_nkey(NkeyKind kind, std::uint8_t number);

wire::Timestamp noon();          // a fixed moment
wire::Timestamp the_real_now();  // for a real broker

}  // namespace steward::identity::tests
