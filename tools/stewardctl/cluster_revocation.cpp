#include "tools/stewardctl/cluster_revocation.hpp"

#include "subjects/identity/files.hpp"
#include "subjects/identity/known_units.hpp"
#include "subjects/identity/login_configuration.hpp"
#include "subjects/identity/policy.hpp"
#include "subjects/identity/policy_revision.hpp"
#include "subjects/identity/signed_document.hpp"

#include <algorithm>
#include <utility>

namespace steward::ctl {

namespace {

using identity::Access;
using identity::Existing;
using identity::LoginConfiguration;
using std::filesystem::path;

// What is wrong in the folder is wrong with what the person named.
template <class T>
Result<T> of_cluster(const path& file, Result<T> read) {
  return std::move(read).map_error([&file](const Error& error) {
    const bool own_word = error.code == ErrorCode::denied || error.code == ErrorCode::too_large ||
                          error.code == ErrorCode::expired;
    return Error{own_word ? error.code : ErrorCode::bad_config,
                 file.string() + ": " + error.message};
  });
}

Result<void> replace(const path& file, std::string_view text) {
  return of_cluster(file, identity::write_file(file, text, Access::everybody, Existing::replace));
}

// Whose names are good for nothing any more.
struct Named {
  std::vector<identity::Nkey> logins;
  std::vector<std::string> key_ids;
};

Result<void> name_unit(const path& folder, const wire::NodeName& unit, Named& named) {
  const auto known = identity::known_unit(folder / "station/units", unit);
  if (!known) {
    return failure(known.error().code,
                   known.error().code == ErrorCode::not_found
                       ? "no unit of this cluster is named " + unit.str()
                       : known.error().message);
  }
  named.logins.push_back(known->login);
  named.key_ids.push_back(known->message.id());
  if (!known->authority_id.empty()) {
    named.key_ids.push_back(known->authority_id);
  }
  return {};
}

// A person may have several keys, and one login that was made with the cluster.
Result<void> name_operator(const path& folder,
                           const std::string& id,
                           const identity::Policy& policy,
                           Named& named) {
  const std::string source = "/operator/" + id;
  bool known = false;
  for (const auto& signer : policy.signers()) {
    if (signer.source.str() == source) {
      named.key_ids.push_back(signer.key_id);
      known = true;
    }
  }
  if (!known) {
    return failure(ErrorCode::not_found, "the policy names no operator " + id);
  }
  const auto file = folder / "people" / (id + ".login");
  const auto text = identity::read_file(file);
  if (!text && text.error().code == ErrorCode::not_found) {
    return {};  // has a login from elsewhere, or none
  }
  STEWARD_TRY(const auto line, of_cluster(file, text));
  STEWARD_TRY(auto login, of_cluster(file, identity::Nkey::parse(line.substr(0, line.find('\n')))));
  named.logins.push_back(std::move(login));
  return {};
}

// The JWT, in the configuration of the managed broker and of one's own.
Result<std::string> revoke_logins(const path& folder,
                                  const std::vector<identity::Nkey>& logins,
                                  wire::Timestamp now) {
  const auto seed_file = folder / "offline/operator-signing.seed";
  STEWARD_TRY(const auto seed, of_cluster(seed_file, identity::read_secret_file(seed_file)));
  STEWARD_TRY(const auto signing,
              of_cluster(seed_file, identity::NkeyPair::parse_seed(seed.view())));
  std::string jwt;
  for (const auto* const name : {"broker/logins.conf", "broker/nats-server.conf"}) {
    const auto file = folder / name;
    STEWARD_TRY(auto text, of_cluster(file, identity::read_file(file)));
    STEWARD_TRY(const auto logins_now,
                of_cluster(file, LoginConfiguration::parse(std::move(text), now)));
    if (jwt.empty()) {
      STEWARD_TRY(jwt, of_cluster(file, logins_now.revoke(logins, signing, now)));
    }
    STEWARD_TRY(const auto next, of_cluster(file, logins_now.with_account(jwt, now)));
    if (auto written = replace(file, next); !written) {
      return tl::unexpected<Error>(std::move(written).error());
    }
  }
  return jwt;
}

Result<std::string> deny(const path& folder,
                         const std::string& document,
                         const std::vector<std::string>& key_ids,
                         const identity::PrivateKey& root,
                         wire::Timestamp now) {
  const auto file = folder / "policy.signed";
  const auto body = identity::body_of(document);
  STEWARD_TRY(const auto policy, of_cluster(file, identity::Policy::parse(body)));
  const auto is_denied = [&policy](const std::string& id) {
    return policy.denied_keys().contains(id);
  };
  if (std::all_of(key_ids.begin(), key_ids.end(), is_denied)) {
    return document;
  }
  STEWARD_TRY(const auto next, of_cluster(file, identity::with_denied_keys(body, key_ids, now)));
  STEWARD_TRY(auto signed_one, identity::sign_document(identity::Purpose::policy, next, root));
  if (auto written = replace(folder / "policy.json", next); !written) {
    return tl::unexpected<Error>(std::move(written).error());
  }
  if (auto written = replace(file, signed_one); !written) {
    return tl::unexpected<Error>(std::move(written).error());
  }
  return signed_one;
}

}  // namespace

Result<Revocation> revoke_in(const path& folder,
                             const Revoked& revoked,
                             const identity::AskPassphrase& ask,
                             wire::Timestamp now) {
  const auto root_file = folder / "offline/root.key";
  const auto policy_file = folder / "policy.signed";
  STEWARD_TRY(const auto root, of_cluster(root_file, identity::read_key_file(root_file, ask)));
  STEWARD_TRY(const auto document, of_cluster(policy_file, identity::read_file(policy_file)));
  STEWARD_TRY(const auto body,
              of_cluster(policy_file,
                         identity::open_document(
                             identity::Purpose::policy, document, {root.public_key()})));
  STEWARD_TRY(const auto policy, of_cluster(policy_file, identity::Policy::parse(body)));
  Named named;
  for (const auto& unit : revoked.units) {
    if (auto found = name_unit(folder, unit, named); !found) {
      return tl::unexpected<Error>(std::move(found).error());
    }
  }
  for (const auto& id : revoked.operators) {
    if (auto found = name_operator(folder, id, policy, named); !found) {
      return tl::unexpected<Error>(std::move(found).error());
    }
  }
  // The logins first: that is what cuts off at once.
  STEWARD_TRY(auto jwt, revoke_logins(folder, named.logins, now));
  STEWARD_TRY(auto next, deny(folder, document, named.key_ids, root, now));
  return Revocation{std::move(jwt), std::move(next)};
}

}  // namespace steward::ctl
