#pragma once

#include "subjects/identity/broker_login.hpp"
#include "subjects/identity/certificate.hpp"
#include "subjects/identity/enrollment.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/unit_login.hpp"

#include <filesystem>
#include <memory>
#include <set>
#include <string>

namespace steward::ctl {

// Whoever has a cluster's root, on the machine where its folder is (steward init): answers units'
// requests to be let in.
class ClusterAuthority {
 public:
  // Reads root, keys of logins and policy. `ask`: where the root has a passphrase. Errors:
  // those of files and keys, as bad_config; denied (a wrong passphrase).
  [[nodiscard]] static Result<std::unique_ptr<ClusterAuthority>> open(
      const std::filesystem::path& folder, const identity::AskPassphrase& ask);

  // The bundle for a request, and the unit's key among those that the station believes. Again for
  // the same request: a fresh bundle. Errors: denied (for another cluster, or revoked), conflict
  // (that name has another key already), those of files, internal.
  [[nodiscard]] Result<std::string> let_in(const identity::EnrollmentRequest& request,
                                           wire::Timestamp now) const;

 private:
  struct Held {
    std::filesystem::path folder;
    identity::PrivateKey root;
    identity::Certificate certificate;
    identity::UnitLoginKeys logins;
    std::string policy;            // signed
    std::set<std::string> denied;  // keys of those who were revoked
    identity::ClusterName cluster;
  };

  explicit ClusterAuthority(Held held) : held_(std::move(held)) {}

  const Held held_;
};

}  // namespace steward::ctl
