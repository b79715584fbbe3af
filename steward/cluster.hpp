#pragma once

#include "steward/cluster_logins.hpp"
#include "subjects/bus/trust_files.hpp"
#include "subjects/identity/key.hpp"
#include "subjects/identity/label.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace steward::station {

// What a cluster is to be.
struct ClusterPlan {
  std::filesystem::path folder;
  std::string name = "fleet";  // what is signed for it is good for no other one
  std::string station = "station";
  std::string person = "admin";  // its first operator, who may do everything
};

// The keys, logins and first policy of a cluster, as files below one folder:
//
//   offline/       what signs policies and logins: to be carried away
//   station/       key, login, authority, keys of units, configuration (steward.toml) of it
//   people/        key and login of the first operator, the login's name for a revocation,
//                  <name>.tls for brokers that ask for certificates
//   broker/        logins.conf for the managed broker, nats-server.conf for one of your own
//   policy.json    who may do what, and policy.signed; root.pub, whose signature that is
//   root.crt       under which units certify their daemons
//
// None is replaced here. Making it again goes on where it was interrupted, and leaves one that
// is whole as it is, also without what was carried away.
class Cluster {
 public:
  // Errors: bad_config (a name), conflict (the folder is that of a
  // cluster by another plan), those of files and keys.
  [[nodiscard]] static Result<Cluster> make(ClusterPlan plan, wire::Timestamp now);

  // One that was made. Errors: not_found, bad_config, those of files.
  [[nodiscard]] static Result<Cluster> open(const std::filesystem::path& folder);

  const ClusterPlan& plan() const { return plan_; }

  // "station/login.creds", as a path.
  std::filesystem::path path(std::string_view file) const { return plan_.folder / file; }

  // What a station of this cluster has to trust; it keeps its policy in `state_dir`.
  [[nodiscard]] Result<bus::TrustFiles> station_trust(const std::filesystem::path& state_dir) const;

  // Makes another operator: key, login, and a place in the next policy with those roles. Again:
  // completes it. Errors: not_found (the offline part is not here), bad_config (a name), conflict
  // (that operator has another key), denied (was revoked), bad_payload (a role that the policy does
  // not name), expired (the policy), those of files and keys.
  [[nodiscard]] Result<void> add_person(const wire::NodeName& person,
                                        const std::vector<std::string>& roles,
                                        wire::Timestamp now) const;

  // Makes a unit that runs on this machine: its key, its login and edge.toml in that folder, and
  // its key among those that the station believes. `more` goes into edge.toml as it is. Again with
  // the same folder: completes it. Errors: conflict (that name has another key already), denied (it
  // was revoked), those of files and keys.
  [[nodiscard]] Result<void> add_unit(const wire::NodeName& unit,
                                      const std::filesystem::path& folder,
                                      std::string_view broker,
                                      std::string_view more,
                                      wire::Timestamp now) const;

 private:
  explicit Cluster(ClusterPlan plan) : plan_(std::move(plan)) {}

  Result<void> make_files(const LoginKeys& keys, wire::Timestamp now) const;
  Result<void> make_known_login(const std::string& person) const;
  Result<void> make_system_login(const LoginKeys& keys, wire::Timestamp now) const;
  Result<void> make_root_certificate(wire::Timestamp now) const;
  Result<void> make_station_authority(wire::Timestamp now) const;
  Result<void> make_transport(const std::string& person, wire::Timestamp now) const;
  Result<void> make_policy(wire::Timestamp now) const;
  Result<void> make_station_configuration() const;
  Result<void> make_root_public() const;
  Result<std::string> root() const;
  Result<void> add_to_policy(const std::string& person,
                             const identity::PublicKey& key,
                             const std::vector<std::string>& roles,
                             wire::Timestamp now) const;
  Result<void> make_logins(const wire::NodeName& unit,
                           const identity::NkeyPair& user,
                           const std::filesystem::path& folder,
                           wire::Timestamp now) const;
  Result<void> check_not_revoked(const wire::NodeName& unit, const identity::PublicKey& key) const;
  std::string trust_section(const std::string& root) const;

  ClusterPlan plan_;
};

}  // namespace steward::station
