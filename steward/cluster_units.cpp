#include "steward/cluster.hpp"
#include "steward/cluster_files.hpp"
#include "steward/files.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/known_units.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/signed_document.hpp"

// The units of a cluster that run on its own machine.

namespace steward::station {

using identity::Access;
using identity::Existing;
using identity::NkeyKind;
using identity::NkeyPair;

// By the policy of this folder, and by what the station has been brought since.
Result<void> Cluster::check_not_revoked(const wire::NodeName& unit,
                                        const identity::PublicKey& key) const {
  for (const auto& file : {path("policy.signed"), path(kStationState) / "policy.signed"}) {
    if (!is_there(file)) {
      continue;
    }
    STEWARD_TRY(const auto document, identity::read_file(file));
    STEWARD_TRY(const auto policy, identity::Policy::parse(identity::body_of(document)));
    if (policy.denied_keys().contains(key.id())) {
      return failure(ErrorCode::denied, unit.str() + " was revoked: names are not used again");
    }
  }
  return {};
}

Result<void> Cluster::add_unit(const wire::NodeName& unit,
                               const std::filesystem::path& folder,
                               std::string_view broker,
                               std::string_view more,
                               wire::Timestamp now) const {
  if (auto made = make_private_folder(folder); !made) {
    return made;
  }
  STEWARD_TRY(const auto root_key, root());
  STEWARD_TRY(const auto key, identity::own_key_file(folder / "message.key"));
  if (auto welcome = check_not_revoked(unit, key.public_key()); !welcome) {
    return welcome;
  }
  // The name is taken before there is a login for it.
  const auto credentials = folder / "login.creds";
  STEWARD_TRY(const auto user,
              is_there(credentials) ? user_in(credentials) : NkeyPair::generate(NkeyKind::user));
  auto known = identity::remember_unit(
      path("station/units"), unit, {key.public_key(), user.public_key(), ""});
  if (!known) {
    return known;
  }
  auto login = make_once(credentials, Access::owner_only, [&]() -> Result<identity::Secret> {
    STEWARD_TRY(const auto scope, nkey_of(path("station/unit-login.seed"), NkeyKind::account));
    STEWARD_TRY(const auto text, identity::read_file(path("station/account")));
    STEWARD_TRY(const auto account, identity::Nkey::parse(text.substr(0, text.find('\n'))));
    return make_unit_login(unit, user, account, scope, now);
  });
  if (!login) {
    return login;
  }
  const std::string config = "name = " + quoted(unit.str()) +
                             "\nbroker = " + quoted(std::string(broker)) +
                             "\nstate_dir = " + quoted(folder.string()) +
                             "\ncredentials = " + quoted(credentials.string()) + "\n" +
                             trust_section(root_key) + std::string(more);
  return identity::write_file(folder / "edge.toml", config, Access::owner_only, Existing::replace);
}

}  // namespace steward::station
