#include "steward/cluster.hpp"
#include "steward/cluster_files.hpp"
#include "steward/cluster_logins.hpp"
#include "steward/files.hpp"
#include "subjects/identity/files.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/policy_revision.hpp"
#include "subjects/identity/signed_document.hpp"

#include <utility>

// The people of a cluster, where its offline part is.

namespace steward::station {

using identity::Access;
using identity::Existing;
using identity::NkeyKind;
using identity::Purpose;

Result<void> Cluster::add_person(const wire::NodeName& person,
                                 const std::vector<std::string>& roles,
                                 wire::Timestamp now) const {
  if (person.str() == plan_.station) {
    return failure(ErrorCode::bad_config, "station and operator need names of their own");
  }
  const auto offline = path("offline/people-signing.seed");
  if (!is_there(offline)) {
    return failure(ErrorCode::not_found,
                   offline.string() + " is not here: it is done where the offline part is");
  }
  STEWARD_TRY(const auto signer, nkey_of(offline, NkeyKind::account));
  STEWARD_TRY(const auto text, identity::read_file(path("station/account")));
  STEWARD_TRY(const auto account, identity::Nkey::parse(text.substr(0, text.find('\n'))));
  const std::string file = "people/" + person.str();
  STEWARD_TRY(const auto key, identity::own_key_file(path(file + ".key")));
  auto login = make_once(path(file + ".creds"), Access::owner_only, [&] {
    return make_login(person, person_rights(person), account, signer, now);
  });
  if (!login) {
    return login;
  }
  if (auto known = make_known_login(file); !known) {
    return known;
  }
  if (auto made = make_transport(person.str(), now); !made) {
    return made;
  }
  return add_to_policy(person.str(), key.public_key(), roles, now);
}

// The next version, unless that person is in it already.
Result<void> Cluster::add_to_policy(const std::string& person,
                                    const identity::PublicKey& key,
                                    const std::vector<std::string>& roles,
                                    wire::Timestamp now) const {
  STEWARD_TRY(const auto root,
              identity::read_key_file(path("offline/root.key"), identity::no_passphrase));
  STEWARD_TRY(const auto document, identity::read_file(path("policy.signed")));
  STEWARD_TRY(const auto body,
              identity::open_document(Purpose::policy, document, {root.public_key()}));
  STEWARD_TRY(const auto next, identity::with_operator(body, person, key, roles, now));
  if (next == body) {
    return {};
  }
  STEWARD_TRY(const auto signed_one, identity::sign_document(Purpose::policy, next, root));
  for (const auto& [name, bytes] :
       {std::pair{"policy.json", next}, std::pair{"policy.signed", signed_one}}) {
    auto written = identity::write_file(path(name), bytes, Access::everybody, Existing::replace);
    if (!written) {
      return written;
    }
  }
  return {};
}

}  // namespace steward::station
