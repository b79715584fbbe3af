#pragma once

#include "subjects/identity/certificate.hpp"
#include "subjects/wire/error.hpp"

#include <set>
#include <string>
#include <vector>

// Judging certificates. The rules are narrower than those of TLS libraries: exactly three steps, an
// authority with exactly the constraints of one node, and one DNS name of exactly our form. Common
// names, organizations, e-mail addresses, registered ids and the path of a URI say nothing here.
namespace steward::identity {

// Whom a node or station believes.
struct Trust {
  ClusterName cluster;
  std::vector<Certificate> roots;     // more than one while a root is being replaced
  std::set<std::string> denied_keys;  // ids (PublicKey::id()) that are good for nothing any more
};

// What the peer is in a TLS connection.
enum class PeerSide { client, server };

// Who the peer with this chain is: its own certificate, its node's authority, and perhaps the root,
// in that order. Errors: expired (also: does not hold yet), bad_signature (does not come from a
// root of ours), denied (a key on the deny list, a name outside the node's own, constraints that
// are missing or others, a chain of another shape, no single name of our form), internal.
[[nodiscard]] Result<DaemonIdentity> verify_peer(const std::vector<Certificate>& chain,
                                                 const Trust& trust,
                                                 PeerSide side,
                                                 wire::Timestamp now);

// The same, and it has to be this one. Errors: also denied (it is another).
[[nodiscard]] Result<void> verify_peer_is(const DaemonIdentity& expected,
                                          const std::vector<Certificate>& chain,
                                          const Trust& trust,
                                          PeerSide side,
                                          wire::Timestamp now);

// Whether this is the authority of that node, from a root of ours. Errors: as verify_peer().
[[nodiscard]] Result<void> verify_authority(const NodeIdentity& node,
                                            const Certificate& authority,
                                            const Trust& trust,
                                            wire::Timestamp now);

// Whether this is a root that may sign authorities: signed by itself, path length 1,
// holds now. For one that a bundle brings; whether it is the right one is for its digest to say.
// Errors: expired, bad_signature, denied.
[[nodiscard]] Result<void> verify_root(const Certificate& root, wire::Timestamp now);

}  // namespace steward::identity
