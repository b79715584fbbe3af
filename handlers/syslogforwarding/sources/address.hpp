#pragma once

#include "handlers/runtime/fd.hpp"
#include "subjects/wire/error.hpp"

#include <sys/socket.h>

#include <string>

namespace steward::handlers::syslogforwarding {

// A socket bound to "127.0.0.1:514" or "[::1]:514"; with SO_REUSEADDR, not blocking. Errors:
// bad_payload (no address), permission, io (in use).
[[nodiscard]] Result<runtime::Fd> bind_inet(const std::string& address, int type);

// "192.0.2.1", of a sender.
std::string host_text(const sockaddr_storage& address);

// As much as the system lets us have: what does not fit there while we are busy is lost.
void widen_buffer(int socket);

}  // namespace steward::handlers::syslogforwarding
