#include "steward/logs/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>

namespace steward::station {
namespace {

struct FreeTlsContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

using TlsContext = std::unique_ptr<SSL_CTX, FreeTlsContext>;

std::string tls_error(const char* otherwise) {
  std::array<char, 256> text{};
  const auto code = ERR_get_error();
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return code == 0 ? otherwise : text.data();
}

auto bad_file(const std::string& key, const std::string& file) {
  return failure(ErrorCode::bad_config, key + " " + file + ": " + tls_error("not good"));
}

Result<void> use_own_certificate(SSL_CTX* context, const TlsSettings& settings) {
  if (settings.certificate.empty()) {
    return {};
  }
  if (SSL_CTX_use_certificate_chain_file(context, settings.certificate.c_str()) != 1) {
    return bad_file("tls_certificate", settings.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context, settings.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return bad_file("tls_key", settings.key);
  }
  return {};
}

Result<TlsContext> load_context(const TlsSettings& settings) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return failure(ErrorCode::internal, "TLS: " + tls_error("no context"));
  }
  const bool roots = settings.roots.empty()
                         ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                         : SSL_CTX_load_verify_file(context.get(), settings.roots.c_str()) == 1;
  if (!roots) {
    return bad_file("tls_roots", settings.roots);
  }
  if (auto used = use_own_certificate(context.get(), settings); !used) {
    return tl::unexpected<Error>(std::move(used).error());
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

// A name, or an address in numbers.
bool expect_name(ssl_st* ssl, const std::string& name) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1) {
    return true;
  }
  std::string shown = name;
  return SSL_set1_host(ssl, name.c_str()) == 1 &&
         SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, shown.data()) == 1;
}

}  // namespace

Result<std::unique_ptr<TlsClient>> TlsClient::connect(const TlsSettings& settings, int socket) {
  STEWARD_TRY(const auto context, load_context(settings));
  std::unique_ptr<TlsClient> client(new TlsClient(SSL_new(context.get())));
  if (client->ssl_ == nullptr || SSL_set_fd(client->ssl_, socket) != 1 ||
      !expect_name(client->ssl_, settings.name)) {
    return failure(ErrorCode::internal, "TLS: " + tls_error("no connection"));
  }
  SSL_set_mode(client->ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_connect_state(client->ssl_);
  return client;
}

TlsClient::~TlsClient() { SSL_free(ssl_); }

bool TlsClient::ready() const { return SSL_is_init_finished(ssl_) == 1; }

std::uint64_t TlsClient::sent() const { return BIO_number_written(SSL_get_wbio(ssl_)); }

Result<std::size_t> TlsClient::outcome(int result) const {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return std::size_t{0};
    case SSL_ERROR_ZERO_RETURN:
      return failure(ErrorCode::unavailable, "the server has ended the connection");
    default:
      break;
  }
  const long verdict = SSL_get_verify_result(ssl_);
  if (verdict != X509_V_OK) {
    ERR_clear_error();
    return failure(ErrorCode::unavailable,
                   std::string("the server's certificate is not believed: ") +
                       X509_verify_cert_error_string(verdict));
  }
  return failure(ErrorCode::unavailable, "TLS: " + tls_error("the connection broke off"));
}

Result<std::size_t> TlsClient::write(std::string_view bytes) {
  ERR_clear_error();
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written);
  return result == 1 ? Result<std::size_t>(written) : outcome(result);
}

Result<void> TlsClient::listen() {
  std::array<char, 4'096> room{};
  for (;;) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_, room.data(), room.size(), &got);
    if (result == 1) {
      continue;
    }
    auto reason = outcome(result);
    return reason ? Result<void>() : tl::unexpected<Error>(std::move(reason).error());
  }
}

}  // namespace steward::station
