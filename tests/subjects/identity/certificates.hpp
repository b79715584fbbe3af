#pragma once

#include "subjects/identity/authority.hpp"
#include "subjects/identity/trust.hpp"
#include "tests/subjects/identity/identities.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace steward::identity::tests {

NodeIdentity node(std::string_view name);
DaemonIdentity daemon(std::string_view name, std::string_view of_node);

// The cluster "demo" with a root and the authorities of ship1 and ship2, in memory and as files
// (root.pem, root.key, ship1.pem ...) for other programs. It holds from an hour ago for ten days.
struct Authorities {
  explicit Authorities(wire::Timestamp now);

  wire::Timestamp now;
  Validity validity;
  PrivateKey root_key, ship1_key, ship2_key, leaf_key;
  Certificate root, ship1, ship2;
  Folder folder;

  Trust trust() const;
  Certificate leaf(const DaemonIdentity& of) const;  // by ship1's authority, or ship2's

  // Certificates that our own code would never make, by the openssl program: `issuer` is the stem
  // of two files, `extensions` lines of its configuration. The new one's stem is `name`.
  Certificate made_by_openssl(const std::string& name,
                              const std::string& subject,
                              const std::string& issuer,
                              const std::string& extensions) const;

  // What `openssl verify` says: 0 for good, or the first error's number.
  int openssl_verdict(const std::vector<Certificate>& chain,
                      PeerSide side,
                      wire::Timestamp at) const;

  std::string path(const std::string& name) const { return (folder / name).string(); }
};

}  // namespace steward::identity::tests
