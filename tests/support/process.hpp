#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>

namespace steward::tests {

// Sends a signal to one process; false where there is none. Throws for what is not the number of a
// process that a test may end: to kill(2), 0 and what is negative are whole groups, and the run of
// the tests is in one of them.
inline bool send_signal(std::int64_t pid, int signal) {
  if (pid <= 1) {
    throw std::logic_error("no process of a test: pid " + std::to_string(pid));
  }
  return ::kill(static_cast<pid_t>(pid), signal) == 0;
}

// Whether the process is there; one that has ended and waits for its parent is not.
inline bool is_there(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  return std::getline(file, text) && text.find(") Z ") == std::string::npos;
}

// 0 where there is no such process.
inline std::int64_t parent_of(std::int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("PPid:")) {
      return std::stoll(line.substr(5));
    }
  }
  return 0;
}

}  // namespace steward::tests
