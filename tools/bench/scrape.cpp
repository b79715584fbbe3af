#include "tools/bench/scrape.hpp"

#include "tools/bench/sockets.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace steward::bench {

Result<std::uint16_t> free_port() {
  const Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(probe.number(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(probe.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return tl::unexpected(system_error(errno, "find a free port"));
  }
  return ntohs(address.sin_port);
}

Result<std::string> scrape(std::uint16_t port) {
  const Descriptor link(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = loopback(port);
  if (::connect(link.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failure(ErrorCode::unavailable, "nobody listens on port " + std::to_string(port));
  }
  const std::string question = "GET /metrics HTTP/1.0\r\n\r\n";
  if (::send(link.number(), question.data(), question.size(), MSG_NOSIGNAL) < 0) {
    return tl::unexpected(system_error(errno, "ask for metrics"));
  }
  std::string answer;
  std::array<char, 65536> piece{};
  while (true) {
    const auto got = ::read(link.number(), piece.data(), piece.size());
    if (got < 0) {
      return tl::unexpected(system_error(errno, "read metrics"));
    }
    if (got == 0) {
      return answer;
    }
    answer.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace steward::bench
