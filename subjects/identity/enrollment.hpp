#pragma once

#include "subjects/identity/certificate.hpp"
#include "subjects/identity/key.hpp"
#include "subjects/identity/nkey.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/time.hpp"

#include <string>
#include <string_view>
#include <vector>

// How a unit joins a cluster: it makes its keys, and a request that says their public halves;
// whoever has the cluster's root answers with a bundle. Both are signed documents
// (signed_document.hpp) with a body of JSON; neither holds a secret.
namespace steward::identity {

// The largest request, and the largest bundle, that is read.
inline constexpr std::size_t kLargestRequest = 16 * 1024;
inline constexpr std::size_t kLargestBundle = 1024 * 1024;

// What a unit signs and logs in with, and its authority for its own daemons. Three keys, since
// whoever logs in signs what the broker asks for.
struct UnitKeys {
  PrivateKey message;
  NkeyPair login;
  PrivateKey authority;
};

// A unit asks to be let in.
struct EnrollmentRequest {
  NodeIdentity node;
  PublicKey message_key;
  Nkey login_key;
  PublicKey authority_key;
};

// Signed by the unit's message key; the authority's key has signed its own part. Errors: internal.
[[nodiscard]] Result<std::string> make_enrollment_request(const NodeIdentity& node,
                                                          const UnitKeys& keys,
                                                          wire::Timestamp now);

// Errors: bad_payload, too_large, unsupported (a later form), bad_signature, bad_subject (a name),
// denied (its authority's part is for another name).
[[nodiscard]] Result<EnrollmentRequest> open_enrollment_request(std::string_view document);

// What two people compare: 32 hexadecimal digits in groups of four, of all that the request says.
std::string enrollment_fingerprint(std::string_view document);

// The cluster lets a unit in.
struct EnrollmentBundle {
  NodeIdentity node;
  std::string message_key_id;  // of the request that it answers
  std::string login_jwt;
  Certificate root;
  Certificate authority;  // the unit's
  std::string policy;     // signed, as it is; may be empty
  wire::Timestamp issued;
  std::string renewal_jwt = {};  // of the same key, good for renewals alone; may be empty
};

// Signed by the cluster's root. Errors: internal.
[[nodiscard]] Result<std::string> make_enrollment_bundle(const EnrollmentBundle& bundle,
                                                         const PrivateKey& root);

// A bundle that one of these roots has signed, and that answers a request of these keys: the names,
// the login's key and the certificates are looked at, the policy is not. Errors: bad_payload,
// too_large, unsupported, bad_signature, bad_subject, expired, denied (it is for another node or
// other keys).
[[nodiscard]] Result<EnrollmentBundle> open_enrollment_bundle(std::string_view document,
                                                              const NodeIdentity& node,
                                                              const UnitKeys& keys,
                                                              const std::vector<PublicKey>& roots,
                                                              wire::Timestamp now);

// The same for whoever hands bundles on and has not the unit's keys: which unit it is for, and that
// a root has signed it. Errors: bad_payload, too_large, unsupported, bad_signature, bad_subject.
[[nodiscard]] Result<EnrollmentBundle> read_enrollment_bundle(std::string_view document,
                                                              const std::vector<PublicKey>& roots);

}  // namespace steward::identity
