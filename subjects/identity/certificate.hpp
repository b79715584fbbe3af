#pragma once

#include "subjects/identity/key.hpp"
#include "subjects/identity/label.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/names.hpp"
#include "subjects/wire/time.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace steward::identity {

// The largest certificate or request that is read, as DER.
inline constexpr std::size_t kLargestCertificate = 16 * 1024;

// A node as certificates name it: ship1.demo.steward.
struct NodeIdentity {
  ClusterName cluster;
  wire::NodeName node;

  std::string dns() const;

  auto operator<=>(const NodeIdentity&) const = default;
};

// A program of a node: nginx.ship1.demo.steward and spiffe://ship1.demo.steward/nginx. The node
// stands in the host of the URI, since no name constraint sees its path.
struct DaemonIdentity {
  ClusterName cluster;
  wire::NodeName node;
  DaemonName daemon;

  std::string dns() const;
  std::string uri() const;

  auto operator<=>(const DaemonIdentity&) const = default;
};

// When a certificate holds, in whole seconds: from the first one on, no more at the last one.
struct Validity {
  wire::Timestamp from;
  wire::Timestamp until;

  bool operator==(const Validity&) const = default;
};

// An X.509 certificate of an Ed25519 key that passes the check of public keys. It says nothing
// until a chain of it has been verified (trust.hpp).
class Certificate {
 public:
  // Errors: bad_payload.
  [[nodiscard]] static Result<Certificate> from_der(std::string_view der);

  // One to `most` of them, in their order. Errors: bad_payload.
  [[nodiscard]] static Result<std::vector<Certificate>> parse_pem(std::string_view text,
                                                                  std::size_t most);

  const std::string& der() const { return der_; }

  // Errors: internal.
  [[nodiscard]] Result<std::string> pem() const;

  const PublicKey& public_key() const { return public_key_; }

  const Validity& validity() const { return validity_; }

  const std::string& serial() const { return serial_; }  // hexadecimal

  std::string digest() const;  // SHA-256 of the whole, hexadecimal: what a join string pins

  bool operator==(const Certificate& other) const { return der_ == other.der_; }

 private:
  Certificate(std::string der, PublicKey public_key, Validity validity, std::string serial);

  std::string der_;
  PublicKey public_key_;
  Validity validity_;
  std::string serial_;
};

// The certificates as one PEM text, in that order: what a TLS server or client reads as its chain.
// Errors: internal.
[[nodiscard]] Result<std::string> encode_chain(const std::vector<Certificate>& chain);

}  // namespace steward::identity
