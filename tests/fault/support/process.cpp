#include "tests/fault/support/process.hpp"

#include "tests/support/process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace steward::tests {
namespace {

int status_of(int waited) {
  return WIFEXITED(waited) ? WEXITSTATUS(waited) : 128 + WTERMSIG(waited);
}

// In the child: what can fail there ends it.
void enter_network(const std::string& network) {
  if (network.empty()) {
    return;
  }
  const int fd = ::open(network.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::setns(fd, CLONE_NEWNET) != 0) {
    ::_exit(126);
  }
}

}  // namespace

std::vector<pid_t> children_of(pid_t parent, const std::string& word) {
  std::vector<pid_t> found;
  const auto tasks = "/proc/" + std::to_string(parent) + "/task";
  std::error_code gone;
  for (const auto& thread : std::filesystem::directory_iterator(tasks, gone)) {
    std::istringstream children(text_of(thread.path() / "children"));
    for (pid_t child = 0; children >> child;) {
      if (text_of("/proc/" + std::to_string(child) + "/cmdline").find(word) != std::string::npos) {
        found.push_back(child);
      }
    }
  }
  return found;
}

Process::~Process() {
  if (running()) {
    end_by(SIGKILL);
  }
}

void Process::start(const Environment& extra) {
  if (running()) {
    throw std::logic_error(program_.argv.front() + " runs already");
  }
  std::vector<const char*> argv;
  for (const auto& word : program_.argv) {
    argv.push_back(word.c_str());
  }
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) {
    throw std::system_error(errno, std::generic_category(), "fork");
  }
  if (pid_ > 0) {
    return;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(127);
  }
  const int log = ::open(program_.log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::close(log);
  ::close(null);
  for (const auto& [name, value] : extra) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  enter_network(program_.network);
  ::execv(argv[0], const_cast<char**>(argv.data()));
  ::_exit(127);
}

bool Process::running() {
  int waited = 0;
  if (pid_ <= 0 || ::waitpid(pid_, &waited, WNOHANG) != pid_) {
    return pid_ > 0;
  }
  pid_ = -1;
  if (WIFSIGNALED(waited) && WTERMSIG(waited) == SIGKILL) {
    ++crashes_;
  } else {
    surprises_.push_back(status_of(waited));
  }
  return false;
}

void Process::signal(int signal) const {
  if (pid_ > 0) {
    tests::send_signal(pid_, signal);
  }
}

int Process::end_by(int signal) {
  if (pid_ <= 0) {
    return -1;
  }
  int waited = 0;
  tests::send_signal(pid_, signal);
  ::waitpid(pid_, &waited, 0);
  pid_ = -1;
  const int status = status_of(waited);
  if (status != 128 + signal && status != 0) {
    surprises_.push_back(status);
  }
  return status;
}

std::string Process::log() const { return text_of(program_.log); }

}  // namespace steward::tests
