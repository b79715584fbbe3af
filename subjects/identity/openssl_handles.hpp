#pragma once

#include "subjects/wire/error.hpp"

#include <memory>
#include <string_view>

// What the sources of this room share of OpenSSL; no header that others include includes this one.
struct asn1_string_st;
struct bio_st;
struct evp_md_ctx_st;
struct evp_pkey_st;
struct x509_st;
struct X509_req_st;

namespace steward::identity {

struct FreeHandle {
  void operator()(bio_st* owned) const;
  void operator()(evp_md_ctx_st* owned) const;
  void operator()(evp_pkey_st* owned) const;
  void operator()(x509_st* owned) const;
  void operator()(X509_req_st* owned) const;
};

template <class T>
using Handle = std::unique_ptr<T, FreeHandle>;

// As OpenSSL takes them.
inline const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The error of an OpenSSL call that failed, with OpenSSL's first word for it; empties its queue.
[[nodiscard]] Error openssl_error(ErrorCode code, std::string_view doing);

}  // namespace steward::identity
