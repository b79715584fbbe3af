#include "tools/bench/scrape.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace steward::bench {

namespace {

class Socket {
 public:
  Socket() : number_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}

  ~Socket() { ::close(number_); }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int number() const { return number_; }

 private:
  const int number_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

}  // namespace

Result<std::uint16_t> free_port() {
  const Socket probe;
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(probe.number(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(probe.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return tl::unexpected(system_error(errno, "find a free port"));
  }
  return ntohs(address.sin_port);
}

Result<std::string> scrape(std::uint16_t port) {
  const Socket link;
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
