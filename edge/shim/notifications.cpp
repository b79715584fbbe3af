#include "edge/shim/notifications.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstring>

namespace steward::shim {

bool Notifications::open(uid_t user) {
  user_ = user;
  fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const int on = 1;
  // With an address of this length the kernel chooses a free abstract name.
  if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)) != 0 ||
      setsockopt(fd_, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return false;
  }
  socklen_t length = sizeof address;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return false;
  }
  const auto name = static_cast<int>(length - offsetof(sockaddr_un, sun_path)) - 1;
  snprintf(variable_, sizeof variable_, "NOTIFY_SOCKET=@%.*s", name, address.sun_path + 1);
  return true;
}

const char* Notifications::take() {
  for (;;) {
    iovec part{message_, sizeof message_ - 1};
    // Room for the credentials only: descriptors that come along are closed by the kernel.
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(fd_, &header, MSG_CMSG_CLOEXEC);
    if (got < 0) {
      return nullptr;
    }
    const cmsghdr* first = CMSG_FIRSTHDR(&header);
    if (first == nullptr || first->cmsg_type != SCM_CREDENTIALS) {
      continue;
    }
    ucred sender{};
    memcpy(&sender, CMSG_DATA(first), sizeof sender);
    if (sender.uid == 0 || sender.uid == user_ || sender.uid == getuid()) {
      message_[got] = 0;
      return message_;
    }
  }
}

}  // namespace steward::shim
