#include "subjects/identity/openssl_handles.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>

namespace steward::identity {

void FreeHandle::operator()(bio_st* owned) const { BIO_free_all(owned); }

void FreeHandle::operator()(evp_md_ctx_st* owned) const { EVP_MD_CTX_free(owned); }

void FreeHandle::operator()(evp_pkey_st* owned) const { EVP_PKEY_free(owned); }

void FreeHandle::operator()(x509_st* owned) const { X509_free(owned); }

void FreeHandle::operator()(X509_req_st* owned) const { X509_REQ_free(owned); }

Error openssl_error(ErrorCode code, std::string_view doing) {
  const auto first = ERR_peek_error();
  const char* reason = first == 0 ? nullptr : ERR_reason_error_string(first);
  ERR_clear_error();
  return Error{code,
               std::string(doing).append(": ").append(reason == nullptr ? "refused" : reason)};
}

}  // namespace steward::identity
