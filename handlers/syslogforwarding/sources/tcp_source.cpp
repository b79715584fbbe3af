#include "handlers/syslogforwarding/sources/tcp_source.hpp"

#include "handlers/syslogforwarding/sources/address.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr std::size_t kConnectionBufferBytes = std::size_t{128} * 1024;
constexpr std::size_t kMostConnections = 256;
constexpr int kConnectionRoundsATurn = 8;
constexpr int kMostRestOfConnection = 256;  // buffers of one connection, at the end
constexpr int kBacklog = 64;

}  // namespace

TcpSource::TcpSource(runtime::Context& context,
                     Forwarder& forwarder,
                     const Settings& settings,
                     LineParser& parser,
                     std::string address,
                     std::optional<TlsFiles> tls)
    : context_(context),
      forwarder_(forwarder),
      settings_(settings),
      parser_(parser),
      address_(std::move(address)),
      tls_(std::move(tls)),
      complaint_(context.clock, context.log) {}

TcpSource::~TcpSource() {
  connections_.clear();
  watcher_.reset();
}

std::string TcpSource::name() const { return (tls_ ? "tls:" : "tcp:") + address_; }

Result<void> TcpSource::start() {
  if (tls_) {
    if (auto good = TlsSession::check(*tls_); !good) {
      return good;
    }
  }
  STEWARD_TRY(listening_, bind_inet(address_, SOCK_STREAM));
  if (::listen(listening_.get(), kBacklog) != 0) {
    return tl::unexpected(system_error(errno, "listen at " + address_));
  }
  buffer_.resize(kConnectionBufferBytes);
  if (!feed_) {
    feed_ = forwarder_.open(name(), Feed::Kind::passing);
  }
  watcher_.emplace(context_.loop, listening_.get(), [this] { accept(); });
  return watcher_->start(runtime::Ready::readable);
}

bool TcpSource::accept() {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  runtime::Fd socket(::accept4(
      listening_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket || connections_.size() >= kMostConnections) {
    return false;  // one too many is closed
  }
  std::unique_ptr<TlsSession> tls;
  if (tls_) {
    auto accepted = TlsSession::accept(*tls_, socket.get());
    if (!accepted) {
      complaint_.say("a connection is not taken: " + accepted.error().text());
      return true;
    }
    tls = *std::move(accepted);
  }
  const int id = ++last_id_;
  auto& connection =
      connections_.try_emplace(id, settings_.line_bytes, host_text(peer)).first->second;
  connection.socket = std::move(socket);
  connection.tls = std::move(tls);
  connection.watcher.emplace(context_.loop, connection.socket.get(), [this, id] { receive(id); });
  hear(id, connection);
  return true;
}

void TcpSource::hear(int id, Connection& connection) {
  if (auto hearing = connection.watcher->start(runtime::Ready::readable); !hearing) {
    connections_.erase(id);
  }
}

void TcpSource::receive(int id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) {
    return;
  }
  auto& connection = found->second;
  for (int round = 0; round < kConnectionRoundsATurn; ++round) {
    if (!forwarder_.room()) {
      connection.waits = true;
      connection.watcher->stop();
      return;
    }
    const auto got = receive_some(connection);
    if (got == Received::end) {
      connections_.erase(found);
    }
    if (got != Received::some) {
      return;
    }
  }
}

TcpSource::Received TcpSource::receive_some(Connection& connection) {
  const auto take_one = [this, &connection](std::string_view message, std::size_t whole) {
    take(connection, message, whole);
  };
  received_us_ = context_.clock.now().time_since_epoch().count();
  std::size_t bytes = 0;
  const auto got = read(connection, bytes);
  if (got == Received::end) {
    connection.framer.end(take_one);
  } else if (got == Received::some) {
    connection.framer.feed({buffer_.data(), bytes}, take_one);
  }
  return got;
}

TcpSource::Received TcpSource::read(Connection& connection, std::size_t& bytes) {
  if (connection.tls) {
    switch (connection.tls->read(buffer_.data(), buffer_.size(), bytes)) {
      case TlsSession::Got::some:
        return Received::some;
      case TlsSession::Got::nothing:
        return Received::nothing;
      case TlsSession::Got::end:
        break;
    }
    if (!connection.tls->trouble().empty()) {
      complaint_.say("TLS with " + connection.host + ": " + connection.tls->trouble());
    }
    return Received::end;
  }
  const auto got = ::recv(connection.socket.get(), buffer_.data(), buffer_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return Received::nothing;
  }
  bytes = got > 0 ? static_cast<std::size_t>(got) : 0;
  return got > 0 ? Received::some : Received::end;
}

// Also of connections that nobody has accepted yet. What has not come whole is said as it is.
void TcpSource::take_rest() {
  while (watcher_ && accept()) {
  }
  for (auto& [id, connection] : connections_) {
    auto got = Received::some;
    for (int round = 0; got == Received::some && round < kMostRestOfConnection; ++round) {
      got = receive_some(connection);
    }
    if (got != Received::end) {
      connection.framer.end([this, &one = connection](std::string_view message, std::size_t whole) {
        take(one, message, whole);
      });
    }
  }
  connections_.clear();
}

void TcpSource::take(const Connection& connection, std::string_view message, std::size_t whole) {
  wire::LogRecord record;
  parser_.parse(message, Origin::network, received_us_, record);
  record.whole = whole;
  if (record.host.empty()) {
    record.host = connection.host;
  }
  forwarder_.take(feed_, record);
}

void TcpSource::go_on() {
  std::vector<int> waiting;
  for (auto& [id, connection] : connections_) {
    if (std::exchange(connection.waits, false)) {
      waiting.push_back(id);
    }
  }
  for (const int id : waiting) {
    hear(id, connections_.at(id));
  }
}

}  // namespace steward::handlers::syslogforwarding
