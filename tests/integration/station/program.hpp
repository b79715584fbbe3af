#pragma once

#include "tests/integration/station/rig.hpp"
#include "tests/support/process.hpp"
#include "tests/support/text.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace steward::tests {

// `steward`, or another program of ours, with arguments, its runtime folder and its output in a
// folder of the test's.
class Program {
 public:
  Program(const std::filesystem::path& folder,
          std::vector<std::string> arguments,
          const std::string& program = "steward")
      : output_(folder / ("output-" + std::to_string(++count_))) {
    arguments.insert(arguments.begin(), std::filesystem::path(STEWARD_BIN_DIR) / program);
    std::vector<char*> argv;
    for (auto& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      const int file = ::open(output_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(file, STDOUT_FILENO);
      ::dup2(file, STDERR_FILENO);
      ::setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }

  ~Program() {
    if (pid_ > 0) {
      tests::send_signal(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Its exit code, -1 where it does not end in 60 s, 128 + signal where one ended it.
  int wait() {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; },
                    std::chrono::seconds(60))) {
      return -1;
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  void terminate() const { tests::send_signal(pid_, SIGTERM); }

  void kill9() const { tests::send_signal(pid_, SIGKILL); }

  pid_t pid() const { return pid_; }

  std::string output() const { return text_of(output_); }

 private:
  static inline int count_ = 0;
  const std::filesystem::path output_;
  pid_t pid_ = -1;
};

}  // namespace steward::tests
