#pragma once

#include <sys/types.h>

namespace steward::shim {

// The socket by which a daemon says how it is (sd_notify's protocol, see sd_notify(3)): one with an
// abstract name, as paths may be too long and its root another one. Of others than root, ourselves
// and the daemon's own user nothing is heard.
class Notifications {
 public:
  // Makes it; false where that fails. `user`: the daemon's.
  bool open(uid_t user);

  int fd() const { return fd_; }

  // "NOTIFY_SOCKET=@...", for its environment.
  const char* variable() const { return variable_; }

  // The next message as lines, ended by a NUL, or null when there is none now.
  const char* take();

 private:
  int fd_ = -1;
  uid_t user_ = 0;
  char variable_[128] = "";
  char message_[2048] = "";
};

}  // namespace steward::shim
