// The parent of one detached job or daemon: see README.md.

#include "edge/shim/keeper.hpp"
#include "edge/shim/order.hpp"
#include "handlers/runtime/launch/shim_folder.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace steward::shim {
namespace {

constexpr int kExitUsage = 2;

int usage() {
  fputs(
      "steward-shim: started by steward-edge for one job or daemon each; not by hand\n"
      "  --version   print the version of its protocol\n",
      stderr);
  return kExitUsage;
}

bool is_socket(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

int run(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    puts(runtime::shim::kVersion);
    return 0;
  }
  Order order;
  if (argc != 1 || !is_socket(runtime::shim::kListenFd) ||
      !read_order(runtime::shim::kOrderFd, order)) {
    return usage();
  }
  // What its child must not have: no number of it is 0, 1 or 2 from here on.
  const int listening = fcntl(runtime::shim::kListenFd, F_DUPFD_CLOEXEC, 3);
  dup2(STDERR_FILENO, STDIN_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  Keeper keeper(order, listening);
  keeper.run();
  _exit(0);  // nothing is open but what the kernel closes
}

}  // namespace
}  // namespace steward::shim

int main(int argc, char** argv) { return steward::shim::run(argc, argv); }
