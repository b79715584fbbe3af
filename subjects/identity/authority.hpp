#pragma once

#include "subjects/identity/certificate.hpp"
#include "subjects/identity/key.hpp"
#include "subjects/wire/error.hpp"

#include <string>
#include <string_view>

// Making certificates. Three steps, all Ed25519: the cluster's root (path length 1), which stays
// offline; each node's authority (path length 0), which by its critical name constraints can only
// speak of its own node's programs; and their certificates. The names that count are DNS name and
// URI; the subject is for people. No certificate outlives its issuer: `until` is cut to the
// issuer's.
namespace steward::identity {

// Errors: bad_config (validity of no length), internal.
[[nodiscard]] Result<Certificate> issue_root(const ClusterName& cluster,
                                             const PrivateKey& root_key,
                                             const Validity& validity);

// Errors: bad_config (as above; the key is not the issuer's; issuer and subject have one key),
// internal.
[[nodiscard]] Result<Certificate> issue_authority(const NodeIdentity& node,
                                                  const PublicKey& node_key,
                                                  const Certificate& root,
                                                  const PrivateKey& root_key,
                                                  const Validity& validity);

// Errors: as above; denied (the authority is another node's, or has not the right constraints).
[[nodiscard]] Result<Certificate> issue_leaf(const DaemonIdentity& daemon,
                                             const PublicKey& daemon_key,
                                             const Certificate& authority,
                                             const PrivateKey& authority_key,
                                             const Validity& validity);

// A node's request for its authority: PKCS#10 in PEM, with the node's name and signed by the key
// that it is for. Errors: internal.
[[nodiscard]] Result<std::string> make_request(const NodeIdentity& node, const PrivateKey& key);

// The key of a request that its own key has signed and that asks for exactly this node's name and
// for nothing else. Errors: bad_payload, bad_signature, denied (another name, or more than a name).
[[nodiscard]] Result<PublicKey> check_request(std::string_view pem, const NodeIdentity& expected);

}  // namespace steward::identity
