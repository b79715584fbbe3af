#pragma once

#include "tests/support/text.hpp"

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace steward::tests {

// What a process is started as. Its standard output and error are added to the log.
struct Program {
  std::vector<std::string> argv;
  std::filesystem::path log;
  std::string network;  // the network namespace to live in (a file of /proc); empty: ours
};

// A real program that is started, killed and started again; gone with this object. To be used from
// one thread.
class Process {
 public:
  using Environment = std::map<std::string, std::string>;

  explicit Process(Program program) : program_(std::move(program)) {}

  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process(Process&&) = delete;

  // Starts it; it must not run. `extra` is added to the environment.
  void start(const Environment& extra = {});

  // Whether it runs. One that has ended by itself is counted.
  bool running();

  void signal(int signal) const;

  // Sends a signal and waits for the end: the exit code, or 128 + the signal that ended it.
  int end_by(int signal);

  // How often it was ended by a SIGKILL of its own: a crash point.
  int crashes() const { return crashes_; }

  // Ends that nobody ordered: exit codes and signals (128 + n) other than those.
  const std::vector<int>& surprises() const { return surprises_; }

  pid_t pid() const { return pid_; }

  std::string log() const;

 private:
  const Program program_;
  pid_t pid_ = -1;
  int crashes_ = 0;
  std::vector<int> surprises_;
};

// The children of a process whose command line contains the word.
std::vector<pid_t> children_of(pid_t parent, const std::string& word);

}  // namespace steward::tests
