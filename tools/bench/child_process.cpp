#include "tools/bench/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace steward::bench {

namespace {

// Pointers for execve; the strings must outlive them.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) {
    result.push_back(text.data());
  }
  result.push_back(nullptr);
  return result;
}

// Between fork and exec: only what is safe after a fork of a process with threads.
[[noreturn]] void become(char* const* argv, char* const* environment, int log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(126);
  }
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execve(argv[0], argv, environment);
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(
    const std::vector<std::string>& argv,
    const std::vector<std::string>& environment,
    const std::filesystem::path& log) {
  if (::access(argv.at(0).c_str(), X_OK) != 0) {
    return tl::unexpected(system_error(errno, "run " + argv[0]));
  }
  std::vector<std::string> arguments = argv;
  std::vector<std::string> variables = environment;
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> variable_pointers = pointers(variables);
  const int log_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0) {
    return tl::unexpected(system_error(errno, "open " + log.string()));
  }
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(argument_pointers.data(), variable_pointers.data(), log_fd, parent);
  }
  const int fork_error = errno;
  ::close(log_fd);
  if (pid < 0) {
    return tl::unexpected(system_error(fork_error, "fork"));
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid));
}

ChildProcess::~ChildProcess() {
  if (!is_running()) {
    return;
  }
  ::kill(pid_, SIGTERM);
  if (!wait(std::chrono::seconds(5))) {
    ::kill(pid_, SIGKILL);
    wait(std::chrono::seconds(5));
  }
}

bool ChildProcess::is_running() { return !ended_ && !wait(std::chrono::milliseconds(0)); }

Result<void> ChildProcess::finish() {
  int status = 0;
  while (!ended_ && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return failure(ErrorCode::internal, "a program did not end well");
  }
  return {};
}

bool ChildProcess::wait(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!ended_) {
    ended_ = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (ended_ || std::chrono::steady_clock::now() >= deadline) {
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return ended_;
}

}  // namespace steward::bench
