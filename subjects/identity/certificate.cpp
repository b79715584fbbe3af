#include "subjects/identity/certificate.hpp"

#include "subjects/identity/digest.hpp"
#include "subjects/identity/encoding.hpp"
#include "subjects/identity/pem.hpp"
#include "subjects/identity/x509_handles.hpp"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <chrono>
#include <ctime>
#include <utility>

namespace steward::identity {
namespace {

constexpr std::string_view kCertificateBlock = "CERTIFICATE";

Handle<x509_st> parse(std::string_view der) {
  const auto* at = as_bytes(der);
  Handle<x509_st> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate || at != as_bytes(der) + der.size()) {
    ERR_clear_error();
    return nullptr;
  }
  return certificate;
}

// Whether this is the one spelling: OpenSSL also reads lengths that are longer than they need to
// be, and those that stand around what is signed are nobody's signature's.
bool is_der(X509* certificate, std::string_view bytes) {
  unsigned char* again = nullptr;
  const int length = i2d_X509(certificate, &again);
  const bool same = length >= 0 && bytes == std::string_view(reinterpret_cast<const char*>(again),
                                                             static_cast<std::size_t>(length));
  OPENSSL_free(again);
  return same;
}

Result<wire::Timestamp> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    ERR_clear_error();
    return failure(ErrorCode::bad_payload, "a certificate's time cannot be read");
  }
  const auto day = std::chrono::year(parts.tm_year + 1900) / (parts.tm_mon + 1) / parts.tm_mday;
  return std::chrono::sys_days(day) + std::chrono::hours(parts.tm_hour) +
         std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec);
}

std::string serial_of(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  return hex({reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
              static_cast<std::size_t>(ASN1_STRING_length(serial))});
}

}  // namespace

void FreeExtension::operator()(X509_extension_st* owned) const { X509_EXTENSION_free(owned); }

Handle<x509_st> native(const Certificate& certificate) { return parse(certificate.der()); }

Handle<evp_pkey_st> native(const PrivateKey& key) {
  return Handle<evp_pkey_st>(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, as_bytes(key.seed()), key.seed().size()));
}

Handle<evp_pkey_st> native(const PublicKey& key) {
  return Handle<evp_pkey_st>(EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, as_bytes(key.bytes()), key.bytes().size()));
}

Result<PublicKey> public_key_of(evp_pkey_st* key) {
  std::array<unsigned char, ed25519::kPublicBytes> bytes{};
  std::size_t length = bytes.size();
  if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(key, bytes.data(), &length) != 1) {
    ERR_clear_error();
    return failure(ErrorCode::bad_payload, "the key is not one of Ed25519");
  }
  return PublicKey::from_bytes({reinterpret_cast<const char*>(bytes.data()), length});
}

Names names_in(const void* general_names) {
  const auto* names = static_cast<const GENERAL_NAMES*>(general_names);
  Names out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    int type = 0;
    const auto* value = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type));
    if (type != GEN_DNS) {
      ++out.other_count;
    } else if (++out.dns_count == 1) {
      out.dns.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                     static_cast<std::size_t>(ASN1_STRING_length(value)));
    }
  }
  return out;
}

std::string NodeIdentity::dns() const { return node.str() + "." + cluster.str() + ".steward"; }

std::string DaemonIdentity::dns() const {
  return daemon.str() + "." + NodeIdentity{cluster, node}.dns();
}

std::string DaemonIdentity::uri() const {
  return "spiffe://" + NodeIdentity{cluster, node}.dns() + "/" + daemon.str();
}

Certificate::Certificate(std::string der,
                         PublicKey public_key,
                         Validity validity,
                         std::string serial)
    : der_(std::move(der)),
      public_key_(std::move(public_key)),
      validity_(validity),
      serial_(std::move(serial)) {}

Result<Certificate> Certificate::from_der(std::string_view der) {
  if (der.size() > kLargestCertificate) {
    return failure(ErrorCode::bad_payload, "a certificate is larger than 16 KiB");
  }
  const auto certificate = parse(der);
  if (!certificate || !is_der(certificate.get(), der)) {
    return failure(ErrorCode::bad_payload, "this is no X.509 certificate");
  }
  auto key = public_key_of(X509_get0_pubkey(certificate.get()));
  if (!key) {
    return tl::unexpected<Error>(std::move(key).error().with_context("certificate"));
  }
  STEWARD_TRY(const auto from, time_of(X509_get0_notBefore(certificate.get())));
  STEWARD_TRY(const auto until, time_of(X509_get0_notAfter(certificate.get())));
  return Certificate(
      std::string(der), *std::move(key), {from, until}, serial_of(certificate.get()));
}

Result<std::vector<Certificate>> Certificate::parse_pem(std::string_view text, std::size_t most) {
  if (text.size() > most * 2 * kLargestCertificate) {
    return failure(ErrorCode::bad_payload, "too long for that many certificates");
  }
  STEWARD_TRY(const auto blocks, decode_pem(text, most));
  std::vector<Certificate> out;
  for (const auto& block : blocks) {
    if (block.name != kCertificateBlock) {
      return failure(ErrorCode::bad_payload, "a PEM block is not a certificate");
    }
    STEWARD_TRY(auto certificate, from_der(block.der.view()));
    out.push_back(std::move(certificate));
  }
  return out;
}

Result<std::string> Certificate::pem() const {
  return encode_pem(kCertificateBlock, der_).map([](const Secret& text) {
    return std::string(text.view());
  });
}

std::string Certificate::digest() const { return hex(sha256(der_)); }

Result<std::string> encode_chain(const std::vector<Certificate>& chain) {
  std::string text;
  for (const auto& certificate : chain) {
    STEWARD_TRY(const auto pem, certificate.pem());
    text += pem;
  }
  return text;
}

}  // namespace steward::identity
