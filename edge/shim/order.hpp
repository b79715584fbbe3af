#pragma once

#include "handlers/runtime/launch/child.hpp"

#include <sys/types.h>

#include <cstddef>

namespace steward::shim {

// What to run, as the agent has written it down: fields "name=value", each ended by a NUL. The
// pointers go into the bytes that were read; nothing is ever freed.
struct Order {
  const char** argv = nullptr;
  const char** env = nullptr;         // with room for one more
  const char** candidates = nullptr;  // paths of the program
  std::size_t env_count = 0;
  const char* cwd = "/";
  const char* in = nullptr;  // a file for its input
  const char* cgroup = nullptr;
  int other_identity = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  gid_t* groups = nullptr;
  std::size_t group_count = 0;
  runtime::ChildLimit* limits = nullptr;
  std::size_t limit_count = 0;
  int umask = -1;
  int nice = 0;
  int nice_set = 0;
  int merge = 0;           // one stream for both outputs
  int notify = 0;          // give it a NOTIFY_SOCKET
  int ready_fd = -1;       // a line on this descriptor says that it is ready
  long segment_bytes = 0;  // of a log file
  long keep_bytes = 0;     // of all log files of one stream
};

// Reads it from a descriptor; false when it is none of ours.
bool read_order(int fd, Order& order);

}  // namespace steward::shim
