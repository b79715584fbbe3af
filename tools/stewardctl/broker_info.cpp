#include "tools/stewardctl/broker_info.hpp"

#include "subjects/wire/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

namespace steward::ctl {

namespace {

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}

  ~Socket() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

  bool ready(short events, std::chrono::milliseconds timeout) const {
    pollfd watched{fd_, events, 0};
    return poll(&watched, 1, static_cast<int>(timeout.count())) == 1;
  }

 private:
  const int fd_;
};

int connect_error(const Socket& socket, const addrinfo& to, std::chrono::milliseconds timeout) {
  if (connect(socket.fd(), to.ai_addr, to.ai_addrlen) == 0) {
    return 0;
  }
  if (errno != EINPROGRESS) {
    return errno;
  }
  if (!socket.ready(POLLOUT, timeout)) {
    return ETIMEDOUT;
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

Result<BrokerInfo> read_line(const Socket& socket, std::chrono::milliseconds timeout) {
  std::string text;
  std::array<char, 4096> chunk{};
  while (text.find('\n') == std::string::npos && text.size() < 64 * 1024) {
    if (!socket.ready(POLLIN, timeout)) {
      return failure(ErrorCode::timed_out, "it takes the connection but says nothing");
    }
    const ssize_t got = recv(socket.fd(), chunk.data(), chunk.size(), 0);
    if (got <= 0) {
      break;
    }
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return parse_info(text);
}

}  // namespace

Result<Address> parse_address(std::string_view url) {
  std::string_view rest = url.substr(0, url.find(','));
  if (const auto scheme = rest.find("://"); scheme != std::string_view::npos) {
    rest.remove_prefix(scheme + 3);
  }
  if (const auto login = rest.rfind('@'); login != std::string_view::npos) {
    rest.remove_prefix(login + 1);
  }
  rest = rest.substr(0, rest.find('/'));
  Address address{std::string(rest), "4222"};
  const auto bracket = rest.find(']');
  const auto colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    address.host = rest.substr(0, colon);
    address.port = rest.substr(colon + 1);
  }
  if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  const bool digits = address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || address.port.empty() || !digits) {
    return failure(ErrorCode::bad_config,
                   fmt::format("'{}' is no address: write nats://HOST:PORT", url));
  }
  return address;
}

Result<BrokerInfo> parse_info(std::string_view line) {
  if (line.substr(0, 5) != "INFO ") {
    return failure(ErrorCode::bad_payload, "what listens there is no NATS server");
  }
  line.remove_prefix(5);
  STEWARD_TRY(const auto object, wire::parse_json(line.substr(0, line.find_first_of("\r\n"))));
  wire::Fields fields(object);
  BrokerInfo info;
  info.version = fields.text("version");
  info.name = fields.text("server_name");
  info.max_payload = fields.integer("max_payload", 0, 0, INT64_MAX);
  info.jetstream = fields.boolean("jetstream", false);
  info.auth_required = fields.boolean("auth_required", false);
  info.tls_required = fields.boolean("tls_required", false);
  STEWARD_TRY([[maybe_unused]] const auto ignored, fields.finish());
  return info;
}

Result<BrokerInfo> read_broker_info(const Address& address, std::chrono::milliseconds timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
      error != 0) {
    return failure(ErrorCode::unavailable, gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  int last_error = 0;
  for (const addrinfo* to = found; to != nullptr; to = to->ai_next) {
    const Socket socket(
        ::socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->ai_protocol));
    last_error = socket.fd() < 0 ? errno : connect_error(socket, *to, timeout);
    if (last_error == 0) {
      return read_line(socket, timeout);
    }
  }
  return failure(ErrorCode::unavailable, system_error(last_error, "connect").message);
}

}  // namespace steward::ctl
