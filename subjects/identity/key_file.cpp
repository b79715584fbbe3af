#include "subjects/identity/key_file.hpp"

#include "subjects/identity/openssl_handles.hpp"
#include "subjects/identity/pem.hpp"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace steward::identity {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kPlain = "PRIVATE KEY";
constexpr std::string_view kEncrypted = "ENCRYPTED PRIVATE KEY";

// An Ed25519 key in PKCS#8 is always these bytes and its seed (RFC 8410, section 10.3).
constexpr std::string_view kDerPrefix =
    "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"sv;

// 16 MiB and a third of a second for each guess.
constexpr std::uint64_t kScryptN = 16'384;
constexpr std::uint64_t kScryptR = 8;
constexpr std::uint64_t kScryptP = 5;
constexpr int kSaltBytes = 16;

struct FreePkcs8 {
  void operator()(X509_SIG* owned) const { X509_SIG_free(owned); }

  void operator()(X509_ALGOR* owned) const { X509_ALGOR_free(owned); }

  void operator()(PKCS8_PRIV_KEY_INFO* owned) const { PKCS8_PRIV_KEY_INFO_free(owned); }

  void operator()(PBE2PARAM* owned) const { PBE2PARAM_free(owned); }

  void operator()(SCRYPT_PARAMS* owned) const { SCRYPT_PARAMS_free(owned); }
};

template <class T>
using OwnedPkcs8 = std::unique_ptr<T, FreePkcs8>;

// The plain form, as bytes.
Secret der_of(const PrivateKey& key) {
  Secret der(kDerPrefix.size() + ed25519::kSeedBytes);
  const auto seed = key.seed();
  std::copy(seed.begin(), seed.end(), std::copy(kDerPrefix.begin(), kDerPrefix.end(), der.data()));
  return der;
}

Result<PrivateKey> key_of(std::string_view der) {
  if (der.size() != kDerPrefix.size() + ed25519::kSeedBytes || !der.starts_with(kDerPrefix)) {
    return failure(ErrorCode::bad_payload, "this is not an Ed25519 key in PKCS#8");
  }
  return PrivateKey::from_seed(der.substr(kDerPrefix.size()));
}

bool is_number(const ASN1_INTEGER* number, std::uint64_t expected) {
  std::uint64_t value = 0;
  return number != nullptr && ASN1_INTEGER_get_uint64(&value, number) == 1 && value == expected;
}

// Whether it is encrypted in our way and at our cost.
bool is_our_way(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* kind = nullptr;
  int type = 0;
  const void* value = nullptr;
  X509_ALGOR_get0(&kind, &type, &value, algorithm);
  if (OBJ_obj2nid(kind) != NID_pbes2 || type != V_ASN1_SEQUENCE) {
    return false;
  }
  const OwnedPkcs8<PBE2PARAM> parameters(static_cast<PBE2PARAM*>(
      ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), ASN1_ITEM_rptr(PBE2PARAM))));
  if (!parameters || parameters->keyfunc == nullptr || parameters->encryption == nullptr ||
      OBJ_obj2nid(parameters->encryption->algorithm) != NID_aes_256_cbc) {
    return false;
  }
  X509_ALGOR_get0(&kind, &type, &value, parameters->keyfunc);
  if (OBJ_obj2nid(kind) != NID_id_scrypt || type != V_ASN1_SEQUENCE) {
    return false;
  }
  const OwnedPkcs8<SCRYPT_PARAMS> cost(static_cast<SCRYPT_PARAMS*>(
      ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), ASN1_ITEM_rptr(SCRYPT_PARAMS))));
  return cost && cost->salt != nullptr && ASN1_STRING_length(cost->salt) <= 64 &&
         is_number(cost->costParameter, kScryptN) && is_number(cost->blockSize, kScryptR) &&
         is_number(cost->parallelizationParameter, kScryptP);
}

Result<PrivateKey> decrypt(std::string_view der, const AskPassphrase& ask) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  const OwnedPkcs8<X509_SIG> box(d2i_X509_SIG(nullptr, &at, static_cast<long>(der.size())));
  const X509_ALGOR* algorithm = nullptr;
  if (box) {
    X509_SIG_get0(box.get(), &algorithm, nullptr);
  }
  if (!box || at != end || !is_our_way(algorithm)) {
    ERR_clear_error();
    return failure(ErrorCode::bad_payload,
                   "this key is not encrypted by scrypt (16384, 8, 5) and AES-256-CBC");
  }
  STEWARD_TRY(const auto passphrase, ask());
  const OwnedPkcs8<PKCS8_PRIV_KEY_INFO> opened(
      PKCS8_decrypt(box.get(), passphrase.view().data(), static_cast<int>(passphrase.size())));
  unsigned char* plain = nullptr;
  const int length = opened ? i2d_PKCS8_PRIV_KEY_INFO(opened.get(), &plain) : -1;
  if (length < 0) {
    ERR_clear_error();
    return failure(ErrorCode::denied, "the passphrase is wrong");
  }
  auto key = key_of({reinterpret_cast<const char*>(plain), static_cast<std::size_t>(length)});
  OPENSSL_clear_free(plain, static_cast<std::size_t>(length));
  return key;
}

}  // namespace

Result<Secret> encode_key(const PrivateKey& key) { return encode_pem(kPlain, der_of(key).view()); }

Result<Secret> encode_key(const PrivateKey& key, const Secret& passphrase) {
  if (passphrase.size() == 0) {
    return failure(ErrorCode::bad_config, "a passphrase must not be empty");
  }
  const Secret der = der_of(key);
  const auto* at = reinterpret_cast<const unsigned char*>(der.view().data());
  const OwnedPkcs8<PKCS8_PRIV_KEY_INFO> plain(
      d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  std::string salt(kSaltBytes, '\0');
  auto* salt_bytes = reinterpret_cast<unsigned char*>(salt.data());
  OwnedPkcs8<X509_ALGOR> way(
      RAND_bytes(salt_bytes, kSaltBytes) == 1
          ? PKCS5_pbe2_set_scrypt(
                EVP_aes_256_cbc(), salt_bytes, kSaltBytes, nullptr, kScryptN, kScryptR, kScryptP)
          : nullptr);
  const OwnedPkcs8<X509_SIG> box(plain && way ? PKCS8_set0_pbe(passphrase.view().data(),
                                                               static_cast<int>(passphrase.size()),
                                                               plain.get(),
                                                               way.get())
                                              : nullptr);
  unsigned char* bytes = nullptr;
  const int length = box ? i2d_X509_SIG(box.get(), &bytes) : -1;
  if (length < 0) {
    return tl::unexpected<Error>(openssl_error(ErrorCode::internal, "encrypt a key"));
  }
  static_cast<void>(way.release());  // the box owns it now
  auto pem = encode_pem(kEncrypted,
                        {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)});
  OPENSSL_free(bytes);
  return pem;
}

Result<PrivateKey> decode_key(std::string_view pem, const AskPassphrase& ask) {
  STEWARD_TRY(const auto blocks, decode_pem(pem, 1));
  if (blocks.front().name == kEncrypted) {
    return decrypt(blocks.front().der.view(), ask);
  }
  if (blocks.front().name == kPlain) {
    return key_of(blocks.front().der.view());
  }
  return failure(ErrorCode::bad_payload, "this is not a private key");
}

Result<Secret> no_passphrase() {
  return failure(ErrorCode::denied, "the key is encrypted, and nobody is here to ask");
}

Result<void> write_key_file(const std::filesystem::path& path,
                            const PrivateKey& key,
                            Existing existing) {
  STEWARD_TRY(const auto pem, encode_key(key));
  return write_file(path, pem.view(), Access::owner_only, existing);
}

Result<void> write_key_file(const std::filesystem::path& path,
                            const PrivateKey& key,
                            const Secret& passphrase,
                            Existing existing) {
  STEWARD_TRY(const auto pem, encode_key(key, passphrase));
  return write_file(path, pem.view(), Access::owner_only, existing);
}

Result<PrivateKey> read_key_file(const std::filesystem::path& path, const AskPassphrase& ask) {
  STEWARD_TRY(const auto pem, read_secret_file(path));
  auto key = decode_key(pem.view(), ask);
  if (!key) {
    return tl::unexpected<Error>(std::move(key).error().with_context(path.string()));
  }
  return key;
}

Result<PrivateKey> own_key_file(const std::filesystem::path& path) {
  auto key = read_key_file(path, no_passphrase);
  if (key || key.error().code != ErrorCode::not_found) {
    return key;
  }
  STEWARD_TRY(const auto made, PrivateKey::generate());
  if (auto written = write_key_file(path, made, Existing::keep); !written) {
    return tl::unexpected(std::move(written).error());
  }
  return read_key_file(path, no_passphrase);
}

}  // namespace steward::identity
