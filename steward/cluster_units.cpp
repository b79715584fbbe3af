#include "steward/cluster.hpp"
#include "steward/cluster_files.hpp"
#include "steward/files.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/known_units.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/signed_document.hpp"
#include "subjects/identity/unit_login.hpp"

#include <chrono>

// The units of a cluster that run on its own machine.

namespace steward::station {
namespace {

// Of a unit on the machine of its cluster: as long as that has its folder.
constexpr std::chrono::hours kRenewalLife{24 * 365 * 20};

}  // namespace

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

// One to work with, one to come back by.
Result<void> Cluster::make_logins(const wire::NodeName& unit,
                                  const NkeyPair& user,
                                  const std::filesystem::path& folder,
                                  wire::Timestamp now) const {
  const auto renewal = folder / "renewal.creds";
  const auto login = folder / "login.creds";
  if (is_there(renewal) && is_there(login)) {
    return {};
  }
  const auto keys = identity::read_unit_login_keys(path("station"));
  if (!keys && keys.error().code == ErrorCode::not_found) {
    return failure(ErrorCode::bad_config,
                   plan_.folder.string() + " was made by an older steward: make the cluster anew");
  }
  if (!keys) {
    return tl::unexpected<Error>(keys.error());
  }
  const auto write = [&user](const std::filesystem::path& file, const Result<std::string>& jwt) {
    return make_once(file, Access::owner_only, [&]() -> Result<identity::Secret> {
      return jwt.map(
          [&user](const auto& text) { return identity::encode_credentials(text, user); });
    });
  };
  const auto& key = user.public_key();
  auto made =
      write(renewal, identity::sign_enrolling_login(unit, key, *keys, now, now + kRenewalLife));
  return made ? write(login, identity::sign_unit_login(unit, key, *keys, now)) : made;
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
  const auto renewal = folder / "renewal.creds";
  STEWARD_TRY(const auto user,
              is_there(credentials) ? user_in(credentials)
              : is_there(renewal)   ? user_in(renewal)
                                    : NkeyPair::generate(NkeyKind::user));
  auto known = identity::remember_unit(
      path("station/units"), unit, {key.public_key(), user.public_key(), ""});
  if (!known) {
    return known;
  }
  if (auto made = make_logins(unit, user, folder, now); !made) {
    return made;
  }
  const std::string config = "name = " + quoted(unit.str()) +
                             "\nbroker = " + quoted(std::string(broker)) +
                             "\nstate_dir = " + quoted(folder.string()) +
                             "\ncredentials = " + quoted(credentials.string()) + "\n" +
                             trust_section(root_key) + std::string(more);
  return identity::write_file(folder / "edge.toml", config, Access::owner_only, Existing::replace);
}

}  // namespace steward::station
