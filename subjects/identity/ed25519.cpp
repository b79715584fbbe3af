#include "subjects/identity/ed25519.hpp"

#include "subjects/identity/openssl_handles.hpp"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

namespace steward::identity::ed25519 {
namespace {

using Coordinate = std::array<unsigned char, kPublicBytes>;

// The y coordinates of the eight points of low order (two x for three of them), least byte first:
// 1 (order 1), -1 (order 2), 0 (order 4) and the two of order 8. Source: the paper "Taming the many
// EdDSAs" (Chalkias, Garillot, Nikolaenko, 2020), table 6.
constexpr std::array<std::string_view, 5> kLowOrder{
    std::string_view("\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32),
    std::string_view("\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
                     32),
    std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32),
    std::string_view("\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0"
                     "\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
                     32),
    std::string_view("\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f"
                     "\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
                     32),
};

struct FreeNumber {
  void operator()(BIGNUM* owned) const { BN_free(owned); }

  void operator()(BN_CTX* owned) const { BN_CTX_free(owned); }
};

using Number = std::unique_ptr<BIGNUM, FreeNumber>;

Number number(const char* hex_digits) {
  BIGNUM* made = nullptr;
  BN_hex2bn(&made, hex_digits);
  return Number(made);
}

// p = 2^255 - 19 and d of the curve -x^2 + y^2 = 1 + d x^2 y^2, RFC 8032 section 5.1.
constexpr const char* kPrime = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
constexpr const char* kD = "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";

// Whether some x goes with y: x^2 = (y^2 - 1) / (d y^2 + 1), and a quotient is a square where the
// product is. The denominator is never 0, since -1/d is no square.
bool has_x(const BIGNUM* y) {
  const Number prime = number(kPrime);
  const Number d = number(kD);
  const Number square(BN_new());
  const Number above(BN_new());
  const Number below(BN_new());
  const Number product(BN_new());
  const std::unique_ptr<BN_CTX, FreeNumber> context(BN_CTX_new());
  if (!prime || !d || !square || !above || !below || !product || !context) {
    return false;
  }
  const bool computed =
      BN_mod_sqr(square.get(), y, prime.get(), context.get()) == 1 &&
      BN_mod_sub(above.get(), square.get(), BN_value_one(), prime.get(), context.get()) == 1 &&
      BN_mod_mul(below.get(), d.get(), square.get(), prime.get(), context.get()) == 1 &&
      BN_mod_add(below.get(), below.get(), BN_value_one(), prime.get(), context.get()) == 1 &&
      BN_mod_mul(product.get(), above.get(), below.get(), prime.get(), context.get()) == 1;
  return computed && BN_kronecker(product.get(), prime.get(), context.get()) == 1;
}

}  // namespace

Pair::Pair(Secret seed, Handle<evp_pkey_st> key, std::string public_bytes)
    : seed_(std::move(seed)), key_(std::move(key)), public_bytes_(std::move(public_bytes)) {}

Result<Pair> Pair::generate() {
  Secret seed(kSeedBytes);
  if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(seed.data()), kSeedBytes) != 1) {
    return tl::unexpected<Error>(openssl_error(ErrorCode::internal, "make a key"));
  }
  return from_seed(seed.view());
}

Result<Pair> Pair::from_seed(std::string_view seed) {
  if (seed.size() != kSeedBytes) {
    return failure(ErrorCode::bad_payload, "the seed of a key is 32 bytes");
  }
  Handle<evp_pkey_st> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, as_bytes(seed), seed.size()));
  std::string public_bytes(kPublicBytes, '\0');
  std::size_t length = public_bytes.size();
  if (!key ||
      EVP_PKEY_get_raw_public_key(
          key.get(), reinterpret_cast<unsigned char*>(public_bytes.data()), &length) != 1 ||
      length != kPublicBytes) {
    return tl::unexpected<Error>(openssl_error(ErrorCode::internal, "take a key"));
  }
  return Pair(Secret::copy_of(seed), std::move(key), std::move(public_bytes));
}

Result<std::string> Pair::sign(std::string_view bytes) const {
  const Handle<evp_md_ctx_st> context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  std::size_t length = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(),
                     reinterpret_cast<unsigned char*>(signature.data()),
                     &length,
                     as_bytes(bytes),
                     bytes.size()) != 1 ||
      length != kSignatureBytes) {
    return tl::unexpected<Error>(openssl_error(ErrorCode::internal, "sign"));
  }
  return signature;
}

Result<void> check_public(std::string_view bytes) {
  if (bytes.size() != kPublicBytes) {
    return failure(ErrorCode::bad_payload, "a public key is 32 bytes");
  }
  Coordinate y{};
  std::copy(bytes.begin(), bytes.end(), y.begin());
  y.back() &= 0x7f;  // the sign of x
  const std::string_view y_bytes(reinterpret_cast<const char*>(y.data()), y.size());
  if (std::find(kLowOrder.begin(), kLowOrder.end(), y_bytes) != kLowOrder.end()) {
    return failure(ErrorCode::bad_payload,
                   "the public key is a point of low order: anybody could sign for it");
  }
  const Number prime = number(kPrime);
  const Number value(BN_lebin2bn(y.data(), static_cast<int>(y.size()), nullptr));
  if (!prime || !value) {
    return tl::unexpected<Error>(openssl_error(ErrorCode::internal, "check a public key"));
  }
  if (BN_cmp(value.get(), prime.get()) >= 0) {
    return failure(ErrorCode::bad_payload, "the public key is not in its canonical encoding");
  }
  if (!has_x(value.get())) {
    return failure(ErrorCode::bad_payload, "the public key is no point of the curve");
  }
  return {};
}

bool verify(std::string_view public_bytes, std::string_view bytes, std::string_view signature) {
  if (public_bytes.size() != kPublicBytes || signature.size() != kSignatureBytes) {
    return false;
  }
  const Handle<evp_pkey_st> key(EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, as_bytes(public_bytes), public_bytes.size()));
  const Handle<evp_md_ctx_st> context(EVP_MD_CTX_new());
  const bool good =
      key && context &&
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(
          context.get(), as_bytes(signature), signature.size(), as_bytes(bytes), bytes.size()) == 1;
  if (!good) {
    ERR_clear_error();
  }
  return good;
}

}  // namespace steward::identity::ed25519
