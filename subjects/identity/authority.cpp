#include "subjects/identity/authority.hpp"

#include "subjects/identity/x509_handles.hpp"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

namespace steward::identity {
namespace {

constexpr int kVersion3 = 2;

std::time_t seconds_of(wire::Timestamp time) {
  return static_cast<std::time_t>(
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) {
    return false;
  }
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, of one length
  BIGNUM* number = BN_bin2bn(bytes.data(), bytes.size(), nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool add_name(X509_NAME* name, const char* field, const std::string& text) {
  return X509_NAME_add_entry_by_txt(name,
                                    field,
                                    MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()),
                                    -1,
                                    0) == 1;
}

// `value` in OpenSSL's own words. All that varies in it are labels, which hold no separator of
// them.
bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

struct Extension {
  int kind;
  std::string value;
};

// What all three kinds have. A null issuer is the certificate itself.
struct Draft {
  const PublicKey& key;
  const Validity& validity;
  std::string organization;
  std::string common_name;  // none where empty
  std::vector<Extension> extensions;
  const NodeIdentity* constraints = nullptr;
};

bool fill_certificate(X509* made, X509* issuer, const Draft& draft) {
  X509_NAME* const name = X509_get_subject_name(made);
  const auto key = native(draft.key);
  bool good =
      X509_set_version(made, kVersion3) == 1 && set_serial(made) && key &&
      X509_set_pubkey(made, key.get()) == 1 && add_name(name, "O", draft.organization) &&
      (draft.common_name.empty() || add_name(name, "CN", draft.common_name)) &&
      ASN1_TIME_set(X509_getm_notBefore(made), seconds_of(draft.validity.from)) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(made), seconds_of(draft.validity.until)) != nullptr &&
      X509_set_issuer_name(made, X509_get_subject_name(issuer)) == 1 &&
      add_extension(made, issuer, NID_subject_key_identifier, "hash") &&
      add_extension(made, issuer, NID_authority_key_identifier, "keyid:always");
  for (const auto& [kind, value] : draft.extensions) {
    good = good && add_extension(made, issuer, kind, value);
  }
  if (good && draft.constraints != nullptr) {
    const auto extension = constraints_of(*draft.constraints);
    good = extension && X509_add_ext(made, extension.get(), -1) == 1;
  }
  return good;
}

Result<Certificate> issue(const Draft& draft, X509* issuer, const PrivateKey& issuer_key) {
  if (draft.validity.until <= draft.validity.from) {
    return failure(ErrorCode::bad_config, "a certificate must hold for some time");
  }
  const Handle<x509_st> made(X509_new());
  const auto key = native(issuer_key);
  unsigned char* bytes = nullptr;
  int length = -1;
  if (made && key && fill_certificate(made.get(), issuer != nullptr ? issuer : made.get(), draft) &&
      X509_sign(made.get(), key.get(), nullptr) > 0) {
    length = i2d_X509(made.get(), &bytes);
  }
  if (length < 0) {
    return tl::unexpected<Error>(openssl_error(ErrorCode::internal, "make a certificate"));
  }
  auto certificate = Certificate::from_der(
      {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)});
  OPENSSL_free(bytes);
  return certificate;
}

Result<Validity> within(const Validity& wanted, const Certificate& issuer) {
  const Validity cut{wanted.from, std::min(wanted.until, issuer.validity().until)};
  if (cut.from < issuer.validity().from) {
    return failure(ErrorCode::bad_config, "the issuer's certificate does not hold yet");
  }
  return cut;
}

Result<void> check_issuer(const Certificate& issuer,
                          const PrivateKey& issuer_key,
                          const PublicKey& subject_key) {
  if (issuer.public_key() != issuer_key.public_key()) {
    return failure(ErrorCode::bad_config, "the key is not that of the issuer's certificate");
  }
  if (subject_key == issuer.public_key()) {
    return failure(ErrorCode::bad_config, "issuer and subject must have keys of their own");
  }
  return {};
}

}  // namespace

ExtensionHandle constraints_of(const NodeIdentity& node) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, nullptr, nullptr, nullptr, nullptr, 0);
  const std::string name = node.dns();
  // No directory name: Go refuses every certificate below an authority that has such a constraint.
  const std::string value = "critical,permitted;DNS:" + name + ",permitted;URI:" + name +
                            ",permitted;email:" + name +
                            ",excluded;IP:0.0.0.0/0.0.0.0"
                            ",excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0";
  return ExtensionHandle(
      X509V3_EXT_conf_nid(nullptr, &context, NID_name_constraints, value.c_str()));
}

bool has_constraints(x509_st* certificate, const NodeIdentity& node) {
  const auto expected = constraints_of(node);
  const int at = X509_get_ext_by_NID(certificate, NID_name_constraints, -1);
  if (!expected || at < 0 || X509_get_ext_by_NID(certificate, NID_name_constraints, at) >= 0) {
    return false;
  }
  X509_EXTENSION* const found = X509_get_ext(certificate, at);
  return X509_EXTENSION_get_critical(found) == 1 &&
         ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(found),
                               X509_EXTENSION_get_data(expected.get())) == 0;
}

Result<Certificate> issue_root(const ClusterName& cluster,
                               const PrivateKey& root_key,
                               const Validity& validity) {
  return issue({root_key.public_key(),
                validity,
                cluster.str(),
                "steward root",
                {{NID_basic_constraints, "critical,CA:TRUE,pathlen:1"},
                 {NID_key_usage, "critical,keyCertSign,cRLSign"}}},
               nullptr,
               root_key);
}

Result<Certificate> issue_authority(const NodeIdentity& node,
                                    const PublicKey& node_key,
                                    const Certificate& root,
                                    const PrivateKey& root_key,
                                    const Validity& validity) {
  if (auto good = check_issuer(root, root_key, node_key); !good) {
    return tl::unexpected<Error>(std::move(good).error());
  }
  STEWARD_TRY(const auto cut, within(validity, root));
  const auto issuer = native(root);
  return issue({node_key,
                cut,
                node.node.str(),
                "steward node authority",
                {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                 {NID_key_usage, "critical,keyCertSign,cRLSign"}},
                &node},
               issuer.get(),
               root_key);
}

Result<Certificate> issue_leaf(const DaemonIdentity& daemon,
                               const PublicKey& daemon_key,
                               const Certificate& authority,
                               const PrivateKey& authority_key,
                               const Validity& validity) {
  if (auto good = check_issuer(authority, authority_key, daemon_key); !good) {
    return tl::unexpected<Error>(std::move(good).error());
  }
  STEWARD_TRY(const auto cut, within(validity, authority));
  const auto issuer = native(authority);
  if (!issuer || !has_constraints(issuer.get(), {daemon.cluster, daemon.node})) {
    return failure(
        ErrorCode::denied,
        "this authority may not speak of " + NodeIdentity{daemon.cluster, daemon.node}.dns());
  }
  return issue({daemon_key,
                cut,
                daemon.daemon.str(),
                "",
                {{NID_basic_constraints, "critical,CA:FALSE"},
                 {NID_key_usage, "critical,digitalSignature"},
                 {NID_ext_key_usage, "serverAuth,clientAuth"},
                 {NID_subject_alt_name, "DNS:" + daemon.dns() + ",URI:" + daemon.uri()}}},
               issuer.get(),
               authority_key);
}

}  // namespace steward::identity
