#include "handlers/syslogforwarding/sources/datagram_source.hpp"

#include "handlers/syslogforwarding/sources/address.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

constexpr std::size_t kAtOnce = 64;
constexpr int kDatagramRoundsATurn = 64;
constexpr int kMostRestOfDatagrams = 1'024;  // rounds at the end

}  // namespace

struct DatagramSource::Room {
  explicit Room(std::size_t most) : size(most + 1), bytes(new char[size * kAtOnce]) {
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      parts[i] = {bytes.get() + i * size, size};
      auto& header = messages[i].msg_hdr;
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
      header.msg_name = &senders[i];
      header.msg_control = controls[i].data();
    }
  }

  void ready() {
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      messages[i].msg_hdr.msg_namelen = sizeof senders[i];
      messages[i].msg_hdr.msg_controllen = controls[i].size();
    }
  }

  const std::size_t size;
  const std::unique_ptr<char[]> bytes;  // not filled: memory that nobody writes to is not taken
  std::array<iovec, kAtOnce> parts{};
  std::array<sockaddr_storage, kAtOnce> senders{};
  std::array<std::array<char, 64>, kAtOnce> controls{};
  std::array<mmsghdr, kAtOnce> messages{};
};

DatagramSource::DatagramSource(runtime::Context& context,
                               Forwarder& forwarder,
                               const Settings& settings,
                               LineParser& parser,
                               Kind kind,
                               std::string address)
    : context_(context),
      forwarder_(forwarder),
      settings_(settings),
      parser_(parser),
      kind_(kind),
      address_(std::move(address)) {}

DatagramSource::~DatagramSource() {
  watcher_.reset();
  if (socket_ && kind_ == Kind::unix_socket) {
    ::unlink(address_.c_str());
  }
}

std::string DatagramSource::name() const {
  return (kind_ == Kind::udp ? "udp:" : "unix:") + address_;
}

// A socket that an earlier run has left is in the way; anything else is somebody's.
Result<runtime::Fd> DatagramSource::bind() const {
  if (kind_ == Kind::udp) {
    return bind_inet(address_, SOCK_DGRAM);
  }
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address_.size() >= sizeof name.sun_path) {
    return failure(ErrorCode::bad_payload, address_ + " is too long for a socket");
  }
  std::memcpy(name.sun_path, address_.c_str(), address_.size());

  struct stat found {};

  if (::lstat(address_.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
    ::unlink(address_.c_str());
  }
  runtime::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
      ::chmod(address_.c_str(), 0666) != 0) {  // every program of this machine may write to it
    return tl::unexpected(system_error(errno, "listen at " + address_));
  }
  return socket;
}

Result<void> DatagramSource::start() {
  STEWARD_TRY(socket_, bind());
  widen_buffer(socket_.get());
  const int on = 1;
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  room_ = std::make_unique<Room>(settings_.line_bytes);
  if (!feed_) {
    feed_ = forwarder_.open(name(), Feed::Kind::passing);
  }
  watcher_.emplace(context_.loop, socket_.get(), [this] { receive(); });
  return watcher_->start(runtime::Ready::readable);
}

void DatagramSource::receive() {
  for (int round = 0; round < kDatagramRoundsATurn && receive_some(); ++round) {
  }
}

void DatagramSource::take_rest() {
  for (int round = 0; watcher_ && round < kMostRestOfDatagrams && receive_some(); ++round) {
  }
}

bool DatagramSource::receive_some() {
  room_->ready();
  const int got =
      ::recvmmsg(socket_.get(), room_->messages.data(), kAtOnce, MSG_DONTWAIT | MSG_TRUNC, nullptr);
  if (got <= 0) {
    return false;
  }
  const auto received_us = context_.clock.now().time_since_epoch().count();
  std::string sender;
  for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
    auto& header = room_->messages[i].msg_hdr;
    for (auto* control = CMSG_FIRSTHDR(&header); control != nullptr;
         control = CMSG_NXTHDR(&header, control)) {
      if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
        std::uint32_t lost = 0;
        std::memcpy(&lost, CMSG_DATA(control), sizeof lost);
        if (const auto more = lost - lost_; more != 0) {
          lost_ = lost;
          forwarder_.gap(feed_, "the kernel's buffer of the socket was full", more);
        }
      }
    }
    const std::size_t length = room_->messages[i].msg_len;
    const auto most = settings_.line_bytes;
    std::string_view line(room_->bytes.get() + i * room_->size, std::min(length, most));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\0' || line.back() == '\r')) {
      line.remove_suffix(1);
    }
    if (line.empty()) {
      continue;
    }
    wire::LogRecord record;
    parser_.parse(line, kind_ == Kind::udp ? Origin::network : Origin::local, received_us, record);
    record.whole = length > most ? length : 0;
    if (kind_ == Kind::udp && record.host.empty()) {
      sender = host_text(room_->senders[i]);
      record.host = sender;
    }
    forwarder_.take(feed_, record);
  }
  return static_cast<std::size_t>(got) == kAtOnce;
}

}  // namespace steward::handlers::syslogforwarding
