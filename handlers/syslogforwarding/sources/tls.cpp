#include "handlers/syslogforwarding/sources/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>

namespace steward::handlers::syslogforwarding {

namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

using ContextPtr = std::unique_ptr<SSL_CTX, FreeContext>;

std::string last_error() {
  std::array<char, 256> text{};
  const auto code = ERR_get_error();
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return code == 0 ? "the connection broke off" : text.data();
}

auto wrong_file(const std::string& what, const std::string& file) {
  return failure(ErrorCode::bad_config, what + " " + file + ": " + last_error());
}

Result<ContextPtr> load(const TlsFiles& files) {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return failure(ErrorCode::internal, "TLS: " + last_error());
  }
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    return wrong_file("tls_certificate", files.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return wrong_file("tls_key", files.key);
  }
  if (!files.clients.empty()) {
    if (SSL_CTX_load_verify_file(context.get(), files.clients.c_str()) != 1) {
      return wrong_file("tls_clients", files.clients);
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  // Each connection has a context of its own: there is nothing to resume from.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

}  // namespace

Result<void> TlsSession::check(const TlsFiles& files) {
  auto context = load(files);
  return context ? Result<void>() : tl::unexpected<Error>(std::move(context).error());
}

Result<std::unique_ptr<TlsSession>> TlsSession::accept(const TlsFiles& files, int socket) {
  STEWARD_TRY(const auto context, load(files));
  ssl_st* const ssl = SSL_new(context.get());
  if (ssl == nullptr || SSL_set_fd(ssl, socket) != 1) {
    SSL_free(ssl);
    return failure(ErrorCode::internal, "TLS: " + last_error());
  }
  SSL_set_accept_state(ssl);
  return std::unique_ptr<TlsSession>(new TlsSession(ssl));
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

// The handshake is part of the first reads. What it says fits into the socket's buffer: there is no
// waiting to write.
TlsSession::Got TlsSession::read(char* room, std::size_t most, std::size_t& bytes) {
  ERR_clear_error();
  if (SSL_read_ex(ssl_, room, most, &bytes) == 1) {
    return Got::some;
  }
  switch (SSL_get_error(ssl_, 0)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Got::nothing;
    case SSL_ERROR_ZERO_RETURN:
      return Got::end;
    default:
      trouble_ = last_error();
      return Got::end;
  }
}

}  // namespace steward::handlers::syslogforwarding
