#pragma once

#include "subjects/identity/certificate.hpp"
#include "subjects/identity/key.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace steward::identity {

// The body of the next version of a policy, in which keys of these ids are good for nothing any
// more; all else stays as it is. Errors: Policy::parse()'s; expired (a new one is needed first).
[[nodiscard]] Result<std::string> with_denied_keys(std::string_view body,
                                                   const std::vector<std::string>& key_ids,
                                                   wire::Timestamp now);

// The body of the next version, in which that operator has that key and those roles; the body as it
// is where they are there already. Errors: as above, and where a role is none of the policy's;
// conflict (another key under that name), denied (the key is).
[[nodiscard]] Result<std::string> with_operator(std::string_view body,
                                                const std::string& id,
                                                const PublicKey& key,
                                                const std::vector<std::string>& roles,
                                                wire::Timestamp now);

// The body of the next version, in which these roots are believed and no others. Errors: as
// with_denied_keys(); bad_payload (one is no root, or named twice).
[[nodiscard]] Result<std::string> with_roots(std::string_view body,
                                             const std::vector<Certificate>& roots,
                                             wire::Timestamp now);

}  // namespace steward::identity
