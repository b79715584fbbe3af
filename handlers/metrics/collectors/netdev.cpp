// Network interfaces in one question to the kernel, instead of some twenty files of /sys for each.

#include "handlers/metrics/collectors/collectors.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace steward::handlers::metrics {
namespace {

constexpr std::size_t kRoomForOne = std::size_t{32} * 1024;
constexpr std::size_t kMostDeviceRoom = std::size_t{4} * 1024 * 1024;

class NetDev final : public Collector {
 public:
  explicit NetDev(Filters filters) : filters_(std::move(filters)) {}

  ~NetDev() override { close(); }

  NetDev(const NetDev&) = delete;
  NetDev& operator=(const NetDev&) = delete;

  std::string_view name() const override { return "netdev"; }

  Result<void> collect(Samples& out, std::string& buffer) override {
    auto answer = ask(buffer);
    if (!answer) {
      close();  // half an answer may be left in it
      return tl::unexpected<Error>(std::move(answer).error());
    }
    return parse_links(*answer, filters_, out);
  }

 private:
  void close() {
    if (socket_ >= 0) {
      ::close(socket_);
      socket_ = -1;
    }
  }

  Result<void> send_question() {
    if (socket_ < 0) {
      socket_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
      if (socket_ < 0) {
        return tl::unexpected(system_error(errno, "open a netlink socket"));
      }
    }

    struct {
      nlmsghdr head;
      ifinfomsg body;
      rtattr mask_head;
      std::uint32_t mask;
    } question{};

    question.head.nlmsg_len = sizeof question;
    question.head.nlmsg_type = RTM_GETLINK;
    question.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    question.head.nlmsg_seq = ++sequence_;
    // Without the counts by protocol: they are the larger half of an answer, and read elsewhere.
    question.mask_head.rta_type = IFLA_EXT_MASK;
    question.mask_head.rta_len = RTA_LENGTH(sizeof question.mask);
    question.mask = RTEXT_FILTER_SKIP_STATS;
    if (::send(socket_, &question, sizeof question, 0) < 0) {
      return tl::unexpected(system_error(errno, "ask for links"));
    }
    return {};
  }

  // All messages of the answer. The kernel answers within the call, so nothing is waited for.
  Result<std::string_view> ask(std::string& buffer) {
    if (auto sent = send_question(); !sent) {
      return tl::unexpected<Error>(std::move(sent).error());
    }
    std::size_t length = 0;
    while (true) {
      if (buffer.size() < length + kRoomForOne) {
        buffer.resize(length + kRoomForOne);
      }
      const auto got =
          ::recv(socket_, buffer.data() + length, buffer.size() - length, MSG_DONTWAIT | MSG_TRUNC);
      if (got < 0) {
        return tl::unexpected(system_error(errno, "read links"));
      }
      const auto size = static_cast<std::size_t>(got);
      if (size < sizeof(nlmsghdr) || size > buffer.size() - length || length > kMostDeviceRoom) {
        return failure(ErrorCode::io, "read links: an answer that is cut");
      }
      nlmsghdr head{};
      std::memcpy(&head, buffer.data() + length, sizeof head);
      if (head.nlmsg_type == NLMSG_DONE) {
        return std::string_view(buffer.data(), length);
      }
      if (head.nlmsg_type == NLMSG_ERROR) {
        return failure(ErrorCode::io, "read links: the kernel refuses");
      }
      length += size;
    }
  }

  const Filters filters_;
  int socket_ = -1;
  std::uint32_t sequence_ = 0;
};

}  // namespace

Made make_netdev(const Filters& filters) { return std::make_unique<NetDev>(filters); }

}  // namespace steward::handlers::metrics
