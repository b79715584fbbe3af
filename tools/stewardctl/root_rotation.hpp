#pragma once

#include "subjects/identity/key_file.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <cstdint>
#include <filesystem>

namespace steward::ctl {

// Another root follows the present one, on the machine where the cluster's folder is with all that
// was carried away. Two policies come of it: "overlap.signed", by the present root, says that both
// are believed; "policy.signed", by the new one, says so too and is the first of its own. From then
// on everything in the folder is signed by the new root.
struct RotatedRoot {
  std::uint64_t overlap = 0;  // version of overlap.signed
  std::uint64_t policy = 0;   // and of policy.signed
};

// Makes key, certificate and policies. Interrupted, it is run again, and goes on. `ask`: where the
// root has a passphrase, which the new one gets as well. Errors: conflict (an overlap has not been
// ended), those of files and keys as bad_config; denied (a wrong passphrase), expired (the policy).
[[nodiscard]] Result<RotatedRoot> rotate_root(const std::filesystem::path& folder,
                                              const identity::AskPassphrase& ask,
                                              wire::Timestamp now);

// Ends the overlap: the next policy names the new root alone. Gives its version. Again: the same.
// Errors: not_found (there is no overlap, and never was one), and as above.
[[nodiscard]] Result<std::uint64_t> retire_root(const std::filesystem::path& folder,
                                                const identity::AskPassphrase& ask,
                                                wire::Timestamp now);

}  // namespace steward::ctl
