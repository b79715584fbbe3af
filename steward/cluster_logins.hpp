#pragma once

#include "subjects/identity/broker_login.hpp"
#include "subjects/wire/names.hpp"

#include <filesystem>
#include <string>

// Who may do what at the broker. Rights are lists of what is allowed, and each program has what it
// uses and no more.
namespace steward::station {

// The secrets behind a cluster's logins.
struct LoginKeys {
  identity::NkeyPair operator_own;      // signs the operator's JWT alone
  identity::NkeyPair operator_signing;  // signs accounts
  identity::NkeyPair account;
  identity::NkeyPair people_signing;  // signs users that bring their own rights
  identity::NkeyPair unit_scope;      // signs units, and nobody else
  identity::NkeyPair enroll_scope;    // signs who may ask to be let in, or for another login
  identity::NkeyPair system;          // the broker's own account
  identity::NkeyPair system_signing;  // signs whoever may bring the broker another account
};

// What a station uses: commands, its own events, answers, and of JetStream the streams and the
// lease's bucket that it keeps.
identity::Permissions station_rights(const wire::NodeName& station);

// What stewardctl uses: commands to all, all events, an inbox.
identity::Permissions person_rights(const wire::NodeName& person);

// What it takes to bring the broker the JWT of an account, and to see which one it has.
identity::Permissions revoking_rights(const wire::NodeName& name, const identity::Nkey& account);

// Where the broker keeps accounts.
struct Resolver {
  // Empty: in its memory, as its configuration has them; the managed broker's way. Else a folder of
  // the broker's, which takes new ones while it runs.
  std::filesystem::path folder;
};

// The part of a nats-server's configuration that makes it take these logins. Errors: internal.
[[nodiscard]] Result<std::string> login_configuration(const std::string& cluster,
                                                      const LoginKeys& keys,
                                                      const Resolver& resolver,
                                                      wire::Timestamp now);

// Credentials for a station or a person, whose name is the token of the inbox too. Errors:
// bad_config, internal.
[[nodiscard]] Result<identity::Secret> make_login(const wire::NodeName& name,
                                                  identity::Permissions rights,
                                                  const identity::Nkey& account,
                                                  const identity::NkeyPair& people_signing,
                                                  wire::Timestamp now);

}  // namespace steward::station
