#pragma once

#include "subjects/wire/error.hpp"

#include <cstddef>
#include <memory>
#include <string>

struct ssl_st;

namespace steward::handlers::syslogforwarding {

// Files in PEM.
struct TlsFiles {
  std::string certificate;  // with those between it and the root
  std::string key;
  std::string clients;  // who signs the certificates that clients have to show; empty: none have to
};

// The server's side of a connection, TLS 1.2 or later (RFC 5425). Never waits; one thread.
class TlsSession {
 public:
  enum class Got { some, nothing, end };

  // Reads the files each time: a new certificate is in force with the next connection. `socket` is
  // not blocking, and outlives it. Errors: bad_config (a file that is not there, or not good).
  [[nodiscard]] static Result<std::unique_ptr<TlsSession>> accept(const TlsFiles& files,
                                                                  int socket);

  // Whether the files are good. Errors: as accept().
  [[nodiscard]] static Result<void> check(const TlsFiles& files);

  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // At least a whole record's 16 KiB of room, so that nothing is left behind in here unseen.
  Got read(char* room, std::size_t most, std::size_t& bytes);

  // Why the last read() found the end, where that was no orderly one.
  const std::string& trouble() const { return trouble_; }

 private:
  explicit TlsSession(ssl_st* ssl) : ssl_(ssl) {}

  ssl_st* const ssl_;
  std::string trouble_;
};

}  // namespace steward::handlers::syslogforwarding
