#include "handlers/syslogforwarding/sources/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <memory>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr int kSocketBufferBytes = 8 * 1024 * 1024;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

}  // namespace

Result<runtime::Fd> bind_inet(const std::string& address, int type) {
  const auto colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = type;
  addrinfo* found = nullptr;
  if (colon == std::string::npos || ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                                  address.c_str() + colon + 1,
                                                  &hints,
                                                  &found) != 0) {
    return failure(ErrorCode::bad_payload, "'" + address + "' is no address: 127.0.0.1:514");
  }
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  runtime::Fd socket(::socket(found->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0) {
    return tl::unexpected(system_error(errno, "listen at " + address));
  }
  return socket;
}

std::string host_text(const sockaddr_storage& address) {
  std::array<char, NI_MAXHOST> text{};
  const auto size = static_cast<socklen_t>(address.ss_family == AF_INET ? sizeof(sockaddr_in)
                                                                        : sizeof(sockaddr_in6));
  const bool known = (address.ss_family == AF_INET || address.ss_family == AF_INET6) &&
                     ::getnameinfo(reinterpret_cast<const sockaddr*>(&address),
                                   size,
                                   text.data(),
                                   static_cast<socklen_t>(text.size()),
                                   nullptr,
                                   0,
                                   NI_NUMERICHOST) == 0;
  return known ? std::string(text.data()) : std::string();
}

void widen_buffer(int socket) {
  if (::setsockopt(
          socket, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBufferBytes, sizeof kSocketBufferBytes) !=
      0) {
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kSocketBufferBytes, sizeof kSocketBufferBytes);
  }
}

}  // namespace steward::handlers::syslogforwarding
