#include "steward/logs/syslog_outlet.hpp"

#include "steward/logs/line_text.hpp"

#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace steward::station {
namespace {

constexpr std::size_t kMostWaiting = std::size_t{1024} * 1024;  // bytes that were not sent
constexpr std::chrono::seconds kConnectTime{10};
constexpr unsigned kSilentMilliseconds = 30'000;  // unacknowledged: the other side is gone

struct FreeAddressList {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Error not_reached(const SyslogServer& server, const std::string& why) {
  return Error{ErrorCode::unavailable, "syslog server " + server.address() + ": " + why};
}

std::string words_of(int error_number) { return system_error(error_number, "connect").message; }

}  // namespace

// Forgets the connection, and all that it was given.
tl::unexpected<Error> SyslogOutlet::lost(Error error) {
  tls_.reset();
  socket_.reset();
  connected_ = blocked_ = false;
  text_.clear();
  marks_.clear();
  at_ = 0;
  given_ = plain_sent_ = 0;
  return tl::unexpected<Error>(std::move(error));
}

// Asks for the name's address, on this thread: nothing else is to be done meanwhile.
Result<void> SyslogOutlet::begin(Steady now) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int wrong = ::getaddrinfo(server_.host.c_str(), server_.port.c_str(), &hints, &found)) {
    return lost(not_reached(server_, ::gai_strerror(wrong)));
  }
  const std::unique_ptr<addrinfo, FreeAddressList> list(found);
  // Each try is at the next of its addresses.
  std::string why = "it has no address";
  std::size_t count = 0;
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    ++count;
  }
  std::size_t skipped = tries_++ % std::max<std::size_t>(count, 1);
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    if (skipped > 0) {
      --skipped;
      continue;
    }
    runtime::Fd socket(::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    if (socket && ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        ::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0 &&
        ::setsockopt(socket.get(),
                     IPPROTO_TCP,
                     TCP_USER_TIMEOUT,
                     &kSilentMilliseconds,
                     sizeof kSilentMilliseconds) == 0 &&
        (::connect(socket.get(), each->ai_addr, each->ai_addrlen) == 0 || errno == EINPROGRESS)) {
      socket_ = std::move(socket);
      until_ = now + kConnectTime;
      blocked_ = true;
      return {};
    }
    why = words_of(errno);
  }
  return lost(not_reached(server_, why));
}

Result<void> SyslogOutlet::go_on_connecting(Steady now) {
  int wrong = 0;
  socklen_t size = sizeof wrong;
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &wrong, &size) != 0 || wrong != 0) {
    return lost(not_reached(server_, words_of(wrong)));
  }
  if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0) {
    if (server_.tls && !tls_) {
      auto tls = TlsClient::connect(*server_.tls, socket_.get());
      if (!tls) {
        return lost(std::move(tls).error());
      }
      tls_ = *std::move(tls);
    }
    if (tls_) {
      if (auto heard = tls_->listen(); !heard) {
        return lost(not_reached(server_, heard.error().message));
      }
    }
    blocked_ = false;
    connected_ = !tls_ || tls_->ready();
  }
  return !connected_ && now >= until_ ? Result<void>(lost(not_reached(server_, "no answer")))
                                      : Result<void>();
}

Result<std::size_t> SyslogOutlet::send(std::string_view bytes) {
  if (tls_) {
    return tls_->write(bytes);
  }
  const auto written = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (written >= 0) {
    plain_sent_ += static_cast<std::uint64_t>(written);
    return static_cast<std::size_t>(written);
  }
  if (errno == EAGAIN || errno == EINTR) {
    return std::size_t{0};
  }
  return tl::unexpected<Error>(system_error(errno, "write"));
}

std::uint64_t SyslogOutlet::sent() const { return tls_ ? tls_->sent() : plain_sent_; }

Result<void> SyslogOutlet::write() {
  blocked_ = false;
  while (at_ < text_.size()) {
    auto written = send(std::string_view(text_).substr(at_));
    if (!written) {
      return lost(not_reached(server_, written.error().message));
    }
    if (*written == 0) {
      blocked_ = true;
      break;
    }
    at_ += *written;
    const auto done = given_ - (text_.size() - at_);
    for (auto& mark : marks_) {
      if (!mark.sent_end && mark.text_end <= done) {
        mark.sent_end = sent();
      }
    }
  }
  if (at_ == text_.size() || at_ > kMostWaiting) {
    text_.erase(0, at_);
    at_ = 0;
  }
  return {};
}

// A syslog server says nothing: what comes is its end.
Result<void> SyslogOutlet::listen() {
  if (tls_) {
    auto heard = tls_->listen();
    return heard ? heard : Result<void>(lost(not_reached(server_, heard.error().message)));
  }
  std::array<char, 512> room{};
  const auto got = ::recv(socket_.get(), room.data(), room.size(), 0);
  if (got == 0) {
    return lost(not_reached(server_, "it has ended the connection"));
  }
  if (got < 0 && errno != EAGAIN && errno != EINTR) {
    return lost(not_reached(server_, system_error(errno, "read").message));
  }
  return {};
}

Result<void> SyslogOutlet::step(Steady now) {
  if (!socket_) {
    if (auto begun = begin(now); !begun) {
      return begun;
    }
  }
  if (!connected_) {
    return go_on_connecting(now);
  }
  if (auto heard = listen(); !heard) {
    return heard;
  }
  return write();
}

bool SyslogOutlet::wants() const { return connected_ && text_.size() - at_ < kMostWaiting; }

Result<void> SyslogOutlet::take(LogGroup& group, Steady /*now*/) {
  for (const auto& item : group.items) {
    const auto message = counted(rfc5424(item));
    text_ += message;
    given_ += message.size();
  }
  marks_.push_back({given_, std::nullopt, std::nullopt});
  if (group.items.empty()) {
    marks_.back().sent_end = sent();
  }
  return write();
}

std::size_t SyslogOutlet::settled(Steady now) {
  int queued = 0;
  if (marks_.empty() || ::ioctl(socket_.get(), SIOCOUTQ, &queued) != 0) {
    return 0;
  }
  const auto taken = sent() - static_cast<std::uint64_t>(queued);
  for (auto& mark : marks_) {
    if (!mark.sent_end || *mark.sent_end > taken) {
      break;
    }
    if (!mark.acknowledged) {
      mark.acknowledged = now;
    }
  }
  std::size_t safe = 0;
  while (!marks_.empty() && marks_.front().acknowledged &&
         (now - *marks_.front().acknowledged >= kSettle ||
          taken - *marks_.front().sent_end >= kSettleBytes)) {
    marks_.pop_front();
    ++safe;
  }
  return safe;
}

Outlet::Watch SyslogOutlet::watch() const { return {socket_.get(), blocked_}; }

std::chrono::milliseconds SyslogOutlet::patience(Steady /*now*/) const {
  constexpr std::chrono::milliseconds kLook{100};
  const bool busy = !marks_.empty() || !connected_;
  return busy ? kLook : std::chrono::milliseconds(std::chrono::hours(1));
}

}  // namespace steward::station
