#include "subjects/identity/authority.hpp"
#include "subjects/identity/pem.hpp"
#include "subjects/identity/x509_handles.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <utility>

namespace steward::identity {
namespace {

constexpr std::string_view kRequestBlock = "CERTIFICATE REQUEST";

struct FreeList {
  void operator()(STACK_OF(X509_EXTENSION) * owned) const {
    sk_X509_EXTENSION_pop_free(owned, X509_EXTENSION_free);
  }

  void operator()(GENERAL_NAMES* owned) const { GENERAL_NAMES_free(owned); }
};

using Extensions = std::unique_ptr<STACK_OF(X509_EXTENSION), FreeList>;

bool fill_request(X509_REQ* request, const NodeIdentity& node, const PrivateKey& key) {
  const auto native_key = native(key);
  const std::string value = "DNS:" + node.dns();
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, nullptr, nullptr, nullptr, nullptr, 0);
  ExtensionHandle name(X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, value.c_str()));
  const Extensions list(sk_X509_EXTENSION_new_null());
  if (!native_key || !name || !list || sk_X509_EXTENSION_push(list.get(), name.get()) < 1) {
    return false;
  }
  static_cast<void>(name.release());  // the list owns it now
  return X509_REQ_set_version(request, 0) == 1 &&
         X509_REQ_set_pubkey(request, native_key.get()) == 1 &&
         X509_REQ_add_extensions(request, list.get()) == 1 &&
         X509_REQ_sign(request, native_key.get(), nullptr) > 0;
}

// Whether the only thing that is asked for is this name.
bool asks_only_for(X509_REQ* request, const std::string& dns) {
  const Extensions list(X509_REQ_get_extensions(request));
  if (!list || X509_REQ_get_attr_count(request) != 1 || sk_X509_EXTENSION_num(list.get()) != 1) {
    return false;
  }
  X509_EXTENSION* const only = sk_X509_EXTENSION_value(list.get(), 0);
  if (OBJ_obj2nid(X509_EXTENSION_get_object(only)) != NID_subject_alt_name) {
    return false;
  }
  const std::unique_ptr<GENERAL_NAMES, FreeList> names(
      static_cast<GENERAL_NAMES*>(X509V3_EXT_d2i(only)));
  if (!names) {
    return false;
  }
  const auto found = names_in(names.get());
  return found.dns_count == 1 && found.other_count == 0 && found.dns == dns;
}

Result<PublicKey> check(std::string_view der, const NodeIdentity& expected) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  const Handle<X509_req_st> request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  if (!request || at != end) {
    return failure(ErrorCode::bad_payload, "this is no certificate request");
  }
  EVP_PKEY* const key = X509_REQ_get0_pubkey(request.get());
  auto known = public_key_of(key);
  if (!known) {
    return tl::unexpected<Error>(std::move(known).error().with_context("certificate request"));
  }
  if (X509_REQ_verify(request.get(), key) != 1) {
    return failure(ErrorCode::bad_signature, "the request is not signed by its own key");
  }
  if (!asks_only_for(request.get(), expected.dns())) {
    return failure(ErrorCode::denied,
                   "the request does not ask for " + expected.dns() + " and that alone");
  }
  return known;
}

}  // namespace

Result<std::string> make_request(const NodeIdentity& node, const PrivateKey& key) {
  const Handle<X509_req_st> request(X509_REQ_new());
  unsigned char* bytes = nullptr;
  const int length =
      request && fill_request(request.get(), node, key) ? i2d_X509_REQ(request.get(), &bytes) : -1;
  if (length < 0) {
    return tl::unexpected<Error>(openssl_error(ErrorCode::internal, "make a certificate request"));
  }
  auto pem = encode_pem(kRequestBlock,
                        {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)});
  OPENSSL_free(bytes);
  return pem.map([](const Secret& text) { return std::string(text.view()); });
}

Result<PublicKey> check_request(std::string_view pem, const NodeIdentity& expected) {
  if (pem.size() > 2 * kLargestCertificate) {
    return failure(ErrorCode::bad_payload, "a certificate request is larger than 16 KiB");
  }
  STEWARD_TRY(const auto blocks, decode_pem(pem, 1));
  if (blocks.front().name != kRequestBlock) {
    return failure(ErrorCode::bad_payload, "this is no certificate request");
  }
  auto key = check(blocks.front().der.view(), expected);
  ERR_clear_error();
  return key;
}

}  // namespace steward::identity
