#include "subjects/identity/trust.hpp"

#include "subjects/identity/x509_handles.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace steward::identity {
namespace {

constexpr std::string_view kZone = "steward";

struct FreeTrust {
  void operator()(X509_STORE* owned) const { X509_STORE_free(owned); }

  void operator()(X509_STORE_CTX* owned) const { X509_STORE_CTX_free(owned); }

  // The certificates in it belong to others.
  void operator()(STACK_OF(X509) * owned) const { sk_X509_free(owned); }

  void operator()(GENERAL_NAMES* owned) const { GENERAL_NAMES_free(owned); }

  void operator()(BASIC_CONSTRAINTS* owned) const { BASIC_CONSTRAINTS_free(owned); }
};

template <class T>
using OwnedTrust = std::unique_ptr<T, FreeTrust>;

Error verdict_of(int error) {
  const std::string words = std::string("certificate: ")
                                .append(X509_verify_cert_error_string(error))
                                .append(" (")
                                .append(std::to_string(error))
                                .append(")");
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {ErrorCode::expired, words};
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return {ErrorCode::bad_signature, words};
    default:
      return {ErrorCode::denied, words};
  }
}

// OpenSSL's own judgement, with every strictness that it has; `steps` is the whole chain's length.
Result<void> verify_chain(X509* subject,
                          X509* between,
                          const std::vector<Certificate>& roots,
                          std::optional<PeerSide> side,
                          wire::Timestamp now,
                          int steps) {
  const OwnedTrust<X509_STORE> store(X509_STORE_new());
  const OwnedTrust<X509_STORE_CTX> context(X509_STORE_CTX_new());
  const OwnedTrust<STACK_OF(X509)> untrusted(sk_X509_new_null());
  bool ready = store && context && untrusted &&
               (between == nullptr || sk_X509_push(untrusted.get(), between) > 0);
  for (const auto& root : roots) {
    const auto certificate = native(root);
    ready = ready && certificate && X509_STORE_add_cert(store.get(), certificate.get()) == 1;
  }
  if (!ready || X509_STORE_CTX_init(context.get(), store.get(), subject, untrusted.get()) != 1) {
    return tl::unexpected<Error>(openssl_error(ErrorCode::internal, "verify a certificate"));
  }
  X509_VERIFY_PARAM* const rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
  X509_VERIFY_PARAM_set_depth(rules, std::max(steps - 2, 0));  // counts what is between both ends
  X509_VERIFY_PARAM_set_time(
      rules,
      static_cast<std::time_t>(
          std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count()));
  if (side) {
    X509_VERIFY_PARAM_set_purpose(
        rules, *side == PeerSide::client ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER);
  }
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (!good) {
    return tl::unexpected<Error>(verdict_of(X509_STORE_CTX_get_error(context.get())));
  }
  if (sk_X509_num(X509_STORE_CTX_get0_chain(context.get())) != steps) {
    return failure(ErrorCode::denied, "certificate: the chain has not the right length");
  }
  return {};
}

// Basic constraints, critical, of an authority with that path length.
bool is_authority(X509* certificate, long path_length) {
  int critical = 0;
  const OwnedTrust<BASIC_CONSTRAINTS> found(static_cast<BASIC_CONSTRAINTS*>(
      X509_get_ext_d2i(certificate, NID_basic_constraints, &critical, nullptr)));
  return found && critical == 1 && found->ca != 0 && found->pathlen != nullptr &&
         ASN1_INTEGER_get(found->pathlen) == path_length;
}

// <daemon>.<node>.<cluster>.steward
Result<DaemonIdentity> parse_dns(std::string_view name) {
  std::array<std::string_view, 4> parts;
  for (auto& part : parts) {
    const auto end = name.find('.');
    part = name.substr(0, end);
    name.remove_prefix(std::min(part.size() + 1, name.size()));
  }
  auto daemon = DaemonName::parse(parts[0]);
  auto node = wire::NodeName::parse(parts[1]);
  auto cluster = ClusterName::parse(parts[2]);
  if (!daemon || !node || !cluster || parts[3] != kZone || !name.empty()) {
    return failure(ErrorCode::denied,
                   "certificate: its name is not <daemon>.<node>.<cluster>.steward");
  }
  return DaemonIdentity{*std::move(cluster), *std::move(node), *std::move(daemon)};
}

Result<DaemonIdentity> name_of(X509* leaf) {
  const OwnedTrust<GENERAL_NAMES> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  const auto found = names ? names_in(names.get()) : Names{};
  if (found.dns_count != 1) {
    return failure(ErrorCode::denied, "certificate: it has not exactly one DNS name");
  }
  auto identity = parse_dns(found.dns);
  if (identity && identity->dns() != found.dns) {
    return failure(ErrorCode::denied, "certificate: its name is spelled in another way");
  }
  return identity;
}

Result<void> check_denied(const Certificate& certificate, const Trust& trust) {
  const auto id = certificate.public_key().id();
  if (trust.denied_keys.count(id) > 0) {
    return failure(ErrorCode::denied, "certificate: the key " + id + " is on the deny list");
  }
  return {};
}

Result<void> check_authority(X509* authority, const NodeIdentity& node) {
  if (!is_authority(authority, 0) || !has_constraints(authority, node)) {
    return failure(ErrorCode::denied,
                   "certificate: its issuer has not the constraints of " + node.dns());
  }
  return {};
}

Result<void> check_shape(const std::vector<Certificate>& chain, const Trust& trust) {
  if (chain.size() < 2 || chain.size() > 3 ||
      (chain.size() == 3 &&
       std::find(trust.roots.begin(), trust.roots.end(), chain[2]) == trust.roots.end())) {
    return failure(chain.size() == 3 ? ErrorCode::bad_signature : ErrorCode::denied,
                   "certificate: the chain is not a certificate, its node's authority and a root "
                   "of this cluster");
  }
  for (const auto& certificate : chain) {
    if (auto allowed = check_denied(certificate, trust); !allowed) {
      return allowed;
    }
  }
  return {};
}

}  // namespace

Result<DaemonIdentity> verify_peer(const std::vector<Certificate>& chain,
                                   const Trust& trust,
                                   PeerSide side,
                                   wire::Timestamp now) {
  if (auto good = check_shape(chain, trust); !good) {
    return tl::unexpected<Error>(std::move(good).error());
  }
  const auto leaf = native(chain[0]);
  const auto authority = native(chain[1]);
  if (!leaf || !authority) {
    return failure(ErrorCode::internal, "verify a certificate: no memory");
  }
  if (auto good = verify_chain(leaf.get(), authority.get(), trust.roots, side, now, 3); !good) {
    return tl::unexpected<Error>(std::move(good).error());
  }
  if (X509_check_ca(leaf.get()) != 0) {
    return failure(ErrorCode::denied, "certificate: an authority is no peer");
  }
  STEWARD_TRY(auto identity, name_of(leaf.get()));
  if (identity.cluster != trust.cluster) {
    return failure(ErrorCode::denied,
                   "certificate: it is of the cluster " + identity.cluster.str());
  }
  if (auto good = check_authority(authority.get(), {identity.cluster, identity.node}); !good) {
    return tl::unexpected<Error>(std::move(good).error());
  }
  return identity;
}

Result<void> verify_peer_is(const DaemonIdentity& expected,
                            const std::vector<Certificate>& chain,
                            const Trust& trust,
                            PeerSide side,
                            wire::Timestamp now) {
  STEWARD_TRY(const auto identity, verify_peer(chain, trust, side, now));
  if (identity != expected) {
    return failure(ErrorCode::denied,
                   "certificate: this is " + identity.dns() + " and not " + expected.dns());
  }
  return {};
}

Result<void> verify_authority(const NodeIdentity& node,
                              const Certificate& authority,
                              const Trust& trust,
                              wire::Timestamp now) {
  if (auto allowed = check_denied(authority, trust); !allowed) {
    return allowed;
  }
  if (node.cluster != trust.cluster) {
    return failure(ErrorCode::denied, "certificate: the cluster is another one");
  }
  const auto subject = native(authority);
  if (!subject) {
    return failure(ErrorCode::internal, "verify a certificate: no memory");
  }
  if (auto good = verify_chain(subject.get(), nullptr, trust.roots, std::nullopt, now, 2); !good) {
    return good;
  }
  return check_authority(subject.get(), node);
}

Result<void> verify_root(const Certificate& root, wire::Timestamp now) {
  const auto subject = native(root);
  if (!subject) {
    return failure(ErrorCode::internal, "verify a certificate: no memory");
  }
  if (auto good = verify_chain(subject.get(), nullptr, {root}, std::nullopt, now, 1); !good) {
    return good;
  }
  if (!is_authority(subject.get(), 1) || X509_self_signed(subject.get(), 1) != 1) {
    ERR_clear_error();
    return failure(ErrorCode::denied, "certificate: this is no root of a cluster");
  }
  return {};
}

}  // namespace steward::identity
