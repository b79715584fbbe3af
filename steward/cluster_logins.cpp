#include "steward/cluster_logins.hpp"

#include "steward/streams.hpp"
#include "subjects/identity/login_configuration.hpp"
#include "subjects/wire/methods.hpp"

#include <utility>

namespace steward::station {
namespace {

using identity::NkeyKind;
using identity::NkeyPair;
using identity::Permissions;
using identity::Secret;

Result<Secret> sign_in(const wire::NodeName& name,
                       Permissions rights,
                       const NkeyPair& user,
                       const identity::Nkey& account,
                       const NkeyPair& signer,
                       wire::Timestamp now) {
  STEWARD_TRY(
      const auto jwt,
      identity::sign_user(
          {user.public_key(), name.str(), account, std::nullopt, std::move(rights)}, signer, now));
  return identity::encode_credentials(jwt, user);
}

}  // namespace

Permissions station_rights(const wire::NodeName& station) {
  const std::string& own = station.str();
  // Answers go to the inbox of whoever asks.
  Permissions rights{{"*.command.>", own + ".event.>", "_INBOX.>", "$JS.FC.>"},
                     {"*.event.>",
                      own + ".command.>",
                      "@all.command." + std::string(wire::kPolicyRoute),
                      "_INBOX." + own + ".>"}};
  for (const auto stream : {kCommands, kState, kLogs, kMetrics, kLeaseStream}) {
    const std::string name(stream);
    for (const auto* verb : {"INFO", "CREATE", "UPDATE", "MSG.GET"}) {
      rights.publish.push_back("$JS.API.STREAM." + std::string(verb) + "." + name);
    }
  }
  for (const auto stream : {kCommands, kState, kLogs}) {
    for (const auto* verb : {"CREATE", "DELETE"}) {
      rights.publish.push_back("$JS.API.CONSUMER." + std::string(verb) + "." + std::string(stream) +
                               ".*");
    }
  }
  rights.publish.push_back("$KV." + std::string(kLeaseBucket) + "." + lease_key(own));
  return rights;
}

Permissions person_rights(const wire::NodeName& person) {
  // And what it takes to read the log.
  const std::string logs(kLogs);
  return {{"*.command.>",
           "$JS.API.STREAM.INFO." + logs,
           "$JS.API.STREAM.MSG.GET." + logs,
           "$JS.API.CONSUMER.CREATE." + logs + ".*",
           "$JS.API.CONSUMER.DELETE." + logs + ".*",
           "$JS.FC." + logs + ".>"},
          {"*.event.>", "_INBOX." + person.str() + ".>"}};
}

Permissions revoking_rights(const wire::NodeName& name, const identity::Nkey& account) {
  return {{"$SYS.REQ.CLAIMS.UPDATE", "$SYS.REQ.ACCOUNT." + account.text() + ".INFO"},
          {"_INBOX." + name.str() + ".>"}};
}

Result<std::string> login_configuration(const std::string& cluster,
                                        const LoginKeys& keys,
                                        const Resolver& resolver,
                                        wire::Timestamp now) {
  const auto& system = keys.system.public_key();
  const auto& account = keys.account.public_key();
  STEWARD_TRY(
      const auto operator_jwt,
      identity::sign_operator(
          {keys.operator_own.public_key(), cluster, {keys.operator_signing.public_key()}, system},
          keys.operator_own,
          now));
  STEWARD_TRY(const auto account_jwt,
              identity::sign_account({account,
                                      cluster,
                                      identity::Streams::unlimited,
                                      {keys.people_signing.public_key()},
                                      {identity::unit_role(keys.unit_scope.public_key()),
                                       identity::enrolling_role(keys.enroll_scope.public_key())},
                                      {}},
                                     keys.operator_signing,
                                     now));
  STEWARD_TRY(
      const auto system_jwt,
      identity::sign_account(
          {system, "system", identity::Streams::none, {keys.system_signing.public_key()}, {}, {}},
          keys.operator_signing,
          now));
  const std::string where = resolver.folder.empty()
                                ? "MEMORY"
                                : "{ type: full, dir: \"" + resolver.folder.string() +
                                      "\", allow_delete: true, interval: \"2m\" }";
  return identity::LoginConfiguration::text_of(
      {operator_jwt, system, system_jwt, account, account_jwt, where});
}

Result<Secret> make_login(const wire::NodeName& name,
                          Permissions rights,
                          const identity::Nkey& account,
                          const NkeyPair& people_signing,
                          wire::Timestamp now) {
  STEWARD_TRY(const auto user, NkeyPair::generate(NkeyKind::user));
  return sign_in(name, std::move(rights), user, account, people_signing, now);
}

}  // namespace steward::station
