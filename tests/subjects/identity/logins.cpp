#include "tests/subjects/identity/logins.hpp"

#include "subjects/identity/login_configuration.hpp"

#include <string>

namespace steward::identity::tests {
namespace {

std::uint8_t plus(std::uint8_t number, int more) {
  return static_cast<std::uint8_t>(number + more);
}

}  // namespace

NkeyPair fixed_nkey(NkeyKind kind, std::uint8_t number) {
  return NkeyPair::from_seed(kind, std::string(32, static_cast<char>(number))).value();
}

wire::Timestamp noon() { return wire::parse_time("2026-11-21T12:00:00Z").value(); }

wire::Timestamp the_real_now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

Broker::Broker(std::uint8_t number)
    : operator_key(fixed_nkey(NkeyKind::operator_, number)),
      operator_signing(fixed_nkey(NkeyKind::operator_, plus(number, 1))),
      account(fixed_nkey(NkeyKind::account, plus(number, 2))),
      system(fixed_nkey(NkeyKind::account, plus(number, 3))),
      people(fixed_nkey(NkeyKind::account, plus(number, 6))),
      unit_scope(fixed_nkey(NkeyKind::account, plus(number, 4))),
      enroll_scope(fixed_nkey(NkeyKind::account, plus(number, 5))),
      operator_claims{
          operator_key.public_key(), "demo", {operator_signing.public_key()}, system.public_key()},
      account_claims{
          account.public_key(),
          "fleet",
          Streams::unlimited,
          {people.public_key()},
          {unit_role(unit_scope.public_key()), enrolling_role(enroll_scope.public_key())},
          {}} {}

std::string Broker::operator_jwt(wire::Timestamp now) const {
  return sign_operator(operator_claims, operator_key, now).value();
}

std::string Broker::account_jwt(wire::Timestamp now) const {
  return sign_account(account_claims, operator_signing, now).value();
}

std::string Broker::system_jwt(wire::Timestamp now) const {
  return sign_account(
             {system.public_key(), "system", Streams::none, {}, {}, {}}, operator_signing, now)
      .value();
}

std::string Broker::configuration(wire::Timestamp now) const {
  return LoginConfiguration::text_of({operator_jwt(now),
                                      system.public_key(),
                                      system_jwt(now),
                                      account.public_key(),
                                      account_jwt(now),
                                      "MEMORY"});
}

UnitLoginKeys Broker::login_keys() const {
  const auto again = [](const NkeyPair& pair) {
    return NkeyPair::parse_seed(pair.seed_text().view()).value();
  };
  return {account.public_key(), again(unit_scope), again(enroll_scope)};
}

UserClaims Broker::user(const NkeyPair& key, const std::string& name) const {
  return {key.public_key(), name, account.public_key(), std::nullopt, std::nullopt};
}

}  // namespace steward::identity::tests
