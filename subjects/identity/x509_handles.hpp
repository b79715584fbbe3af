#pragma once

#include "subjects/identity/certificate.hpp"
#include "subjects/identity/openssl_handles.hpp"

#include <string>

struct X509_extension_st;

// What the sources about certificates share; private to the room as openssl_handles.hpp is.
namespace steward::identity {

struct FreeExtension {
  void operator()(X509_extension_st* owned) const;
};

using ExtensionHandle = std::unique_ptr<X509_extension_st, FreeExtension>;

// Null where memory is out: the bytes have been parsed before.
Handle<x509_st> native(const Certificate& certificate);
Handle<evp_pkey_st> native(const PrivateKey& key);
Handle<evp_pkey_st> native(const PublicKey& key);

// The name constraints that a node's authority has to have: below its own name only, no addresses.
// Null where memory is out.
ExtensionHandle constraints_of(const NodeIdentity& node);

// Whether the certificate has exactly these constraints, critical.
bool has_constraints(x509_st* certificate, const NodeIdentity& node);

// Ed25519 and a key that passes the check. Errors: bad_payload.
[[nodiscard]] Result<PublicKey> public_key_of(evp_pkey_st* key);

// The only dNSName among the names that stand in this list of general names.
struct Names {
  std::size_t dns_count = 0;
  std::size_t other_count = 0;
  std::string dns;  // the first one
};

Names names_in(const void* general_names);

}  // namespace steward::identity
