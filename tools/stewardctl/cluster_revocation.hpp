#pragma once

#include "subjects/identity/key.hpp"
#include "subjects/identity/key_file.hpp"
#include "subjects/identity/nkey.hpp"
#include "subjects/wire/names.hpp"
#include "subjects/wire/time.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace steward::ctl {

// Who is to be cut off from a cluster: units, and operators by their ids.
struct Revoked {
  std::vector<wire::NodeName> units;
  std::vector<std::string> operators;
};

// What it takes to cut them off: the broker's account lets them in no more, and by the policy their
// keys are good for nothing.
struct Revocation {
  std::string account_jwt;
  std::string policy;  // signed
};

// Makes both, on the machine where the cluster's folder is with all that was carried away, and
// writes them into its files. Again for the same: a later account, the same policy. `ask`: where
// the root has a passphrase. Errors: not_found (nobody of that name), those of files and keys as
// bad_config; denied (a wrong passphrase); expired (the policy), too_large (too many revocations).
[[nodiscard]] Result<Revocation> revoke_in(const std::filesystem::path& folder,
                                           const Revoked& revoked,
                                           const identity::AskPassphrase& ask,
                                           wire::Timestamp now);

}  // namespace steward::ctl
