#pragma once

#include "steward/logs/settings.hpp"
#include "subjects/wire/error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct ssl_st;

namespace steward::station {

// The client's side of a connection, TLS 1.2 or later (RFC 5425). Never waits; one thread.
class TlsClient {
 public:
  // Reads the files each time. `socket` is connected, not blocking, and outlives it. Errors:
  // bad_config (a file that is not there, or not good), internal.
  [[nodiscard]] static Result<std::unique_ptr<TlsClient>> connect(const TlsSettings& settings,
                                                                  int socket);

  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // How much of it was taken; 0: it has to wait. Errors: unavailable (the connection has ended, or
  // the server is not believed).
  [[nodiscard]] Result<std::size_t> write(std::string_view bytes);

  // Reads what the server says, for its end. Errors: as write().
  [[nodiscard]] Result<void> listen();

  // Both sides believe each other.
  bool ready() const;

  // What was given to the socket, all told.
  std::uint64_t sent() const;

 private:
  explicit TlsClient(ssl_st* ssl) : ssl_(ssl) {}

  Result<std::size_t> outcome(int result) const;

  ssl_st* const ssl_;
};

}  // namespace steward::station
