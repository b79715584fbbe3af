#include "tests/support/demo.hpp"

#include "tests/support/process.hpp"
#include "tests/support/text.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace steward::tests {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kDemoStartLimit{60};
constexpr std::chrono::seconds kRunLimit{60};

fs::path make_demo_folder() {
  auto pattern = (fs::temp_directory_path() / "steward-demo-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  return pattern;
}

bool is_installed(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path == nullptr ? "" : path) + ":/usr/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((fs::path(folder) / program).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

struct Files {
  int in = -1;
  int out = -1;
  int err = -1;
};

// A person's shell whose runtime and configuration folders are this demo's.
pid_t spawn(const fs::path& folder, const std::vector<std::string>& arguments, const Files& files) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) {
    return pid;
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) {
    _exit(127);
  }
  dup2(files.in, STDIN_FILENO);
  dup2(files.out, STDOUT_FILENO);
  dup2(files.err, STDERR_FILENO);
  if (isatty(STDIN_FILENO) != 0) {
    setsid();  // so that Ctrl-C on it is a signal
    ioctl(STDIN_FILENO, TIOCSCTTY, 0);
  }
  setenv("XDG_RUNTIME_DIR", (folder / "run").c_str(), 1);
  setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
  for (const char* name : {"STEWARD_CONTEXT", "NATS_URL", "NATS_USER", "NATS_CREDS", "NO_COLOR"}) {
    unsetenv(name);
  }
  if (chdir(folder.c_str()) == 0) {
    execv(argv[0], argv.data());
  }
  _exit(127);
}

int status_of(int waited) {
  return WIFEXITED(waited) ? WEXITSTATUS(waited) : 128 + WTERMSIG(waited);
}

// Waits for a child; beyond the limit it is killed.
int wait_for(pid_t pid, Clock::time_point limit) {
  int waited = 0;
  while (waitpid(pid, &waited, WNOHANG) == 0) {
    if (Clock::now() > limit) {
      tests::send_signal(pid, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return status_of(waited);
}

class OutputFile {
 public:
  explicit OutputFile(fs::path path)
      : path_(std::move(path)),
        fd_(open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}

  ~OutputFile() { close(fd_); }

  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  int fd() const { return fd_; }

  std::string text() const { return text_of(path_); }

 private:
  const fs::path path_;
  const int fd_;
};

}  // namespace

std::unique_ptr<Demo> Demo::start() { return start(Options{}); }

std::unique_ptr<Demo> Demo::start(Options options) {
  if (!is_installed("nats-server")) {
    if (std::getenv("CI") != nullptr) {
      FAIL("nats-server is not installed: looked in PATH and /usr/sbin");
    }
    MESSAGE("SKIPPED: nats-server is not installed (looked in PATH and /usr/sbin)");
    return nullptr;
  }
  std::unique_ptr<Demo> demo(new Demo(make_demo_folder()));
  demo->launch(options);
  return demo;
}

Demo::Demo(fs::path folder) : folder_(std::move(folder)) {}

void Demo::launch(const Options& options) {
  interval_ = options.interval;
  for (const char* name : {"run", "config", "io"}) {
    fs::create_directories(folder_ / name);
  }
  const int log = open((folder_ / "demo.log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::vector<std::string> arguments{std::string(STEWARD_BIN_DIR) + "/steward",
                                     "demo",
                                     "--units",
                                     std::to_string(options.units),
                                     "--interval",
                                     std::to_string(options.interval.count()),
                                     "--dir",
                                     (folder_ / "demo").string()};
  if (!options.is_signed) {
    arguments.emplace_back("--unsigned");
  }
  pid_ = spawn(folder_, arguments, {null, log, log});
  close(log);
  close(null);
  const auto limit = Clock::now() + kDemoStartLimit;
  std::size_t up = 0;
  while (up != static_cast<std::size_t>(options.units)) {
    if (Clock::now() > limit || waitpid(pid_, nullptr, WNOHANG) != 0) {
      throw std::runtime_error("the demo did not start:\n" + text_of(folder_ / "demo.log"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (fs::exists(folder_ / "run" / "steward" / "current.json")) {
      const std::string names = ctl({"units", "--state", "up", "-o", "name"}).out;
      up = static_cast<std::size_t>(std::count(names.begin(), names.end(), '\n'));
    }
  }
}

bool Demo::becomes(const std::string& unit, const std::string& state) const {
  const auto limit = Clock::now() + kDemoStartLimit;
  while (ctl({"units", unit, "--state", state, "-o", "name"}).out != unit + "\n") {
    if (Clock::now() > limit) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

void Demo::start_unit(const std::string& name) {
  const int log =
      open((folder_ / (name + ".log")).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto config = folder_ / (name + ".toml");
  std::ofstream(config) << "[hello]\ninterval_ms = " << interval_.count() << "\n";
  agents_[name] = spawn(folder_,
                        {std::string(STEWARD_BIN_DIR) + "/steward-edge",
                         "run",
                         "--name",
                         name,
                         "--broker",
                         broker(),
                         "--state-dir",
                         (folder_ / "agents" / name).string(),
                         "--config",
                         config.string()},
                        {null, log, log});
  close(log);
  close(null);
  if (!becomes(name, "up")) {
    throw std::runtime_error(name + " did not come up:\n" + text_of(folder_ / (name + ".log")));
  }
}

void Demo::kill_unit(const std::string& name) {
  const pid_t pid = agents_.at(name);
  agents_.erase(name);
  tests::send_signal(pid, SIGKILL);
  wait_for(pid, Clock::now() + std::chrono::seconds(20));
  if (!becomes(name, "down")) {
    throw std::runtime_error(name + " is not seen as down");
  }
}

Ended Demo::ctl_on_terminal(const std::vector<std::string>& arguments,
                            const std::string& prompt,
                            const std::string& input) const {
  std::vector<std::string> command{std::string(STEWARD_BIN_DIR) + "/stewardctl"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  int own = -1;
  int its = -1;
  const winsize size{40, 100, 0, 0};
  if (openpty(&own, &its, nullptr, nullptr, &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "openpty");
  }
  fcntl(own, F_SETFD, FD_CLOEXEC);
  const pid_t pid = spawn(folder_, command, {its, its, its});
  close(its);
  Ended ended;
  bool typed = false;
  const auto limit = Clock::now() + kRunLimit;
  std::array<char, 4096> bytes{};
  pollfd ready{own, POLLIN, 0};
  while (Clock::now() < limit) {
    if (poll(&ready, 1, 100) == 1) {
      const auto got = read(own, bytes.data(), bytes.size());
      if (got <= 0) {
        break;  // EIO: the last one that had it open is gone
      }
      ended.out.append(bytes.data(), static_cast<std::size_t>(got));
    }
    if (!typed && ended.out.find(prompt) != std::string::npos) {
      typed = write(own, input.data(), input.size()) == static_cast<ssize_t>(input.size());
    }
  }
  ended.status = wait_for(pid, limit);
  close(own);
  return ended;
}

Demo::~Demo() {
  for (const auto& [name, pid] : agents_) {
    tests::send_signal(pid, SIGTERM);
    wait_for(pid, Clock::now() + std::chrono::seconds(20));
  }
  if (pid_ > 0) {
    tests::send_signal(pid_, SIGTERM);
    wait_for(pid_, Clock::now() + std::chrono::seconds(20));
  }
  std::error_code error;
  fs::remove_all(folder_, error);
}

Ended Demo::ctl(const std::vector<std::string>& arguments, const std::string& input) const {
  if (input.empty()) {
    return ctl_while(arguments, [](pid_t) {});
  }
  // Through a file, so that no pipe has to be fed meanwhile.
  std::ofstream(folder_ / "io" / "in", std::ios::binary) << input;
  const Ended ended = ctl_while(arguments, [](pid_t) {});
  fs::remove(folder_ / "io" / "in");
  return ended;
}

Ended Demo::ctl_while(const std::vector<std::string>& arguments,
                      const std::function<void(pid_t)>& meanwhile) const {
  std::vector<std::string> command{std::string(STEWARD_BIN_DIR) + "/stewardctl"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto input = folder_ / "io" / "in";
  const int in = open(fs::exists(input) ? input.c_str() : "/dev/null", O_RDONLY | O_CLOEXEC);
  const OutputFile out(folder_ / "io" / "out");
  const OutputFile err(folder_ / "io" / "err");
  const pid_t pid = spawn(folder_, command, {in, out.fd(), err.fd()});
  close(in);
  meanwhile(pid);
  Ended ended;
  ended.status = wait_for(pid, Clock::now() + kRunLimit);
  ended.out = out.text();
  ended.err = err.text();
  return ended;
}

std::string Demo::noted_so_far() const { return text_of(folder_ / "io" / "err"); }

pid_t Demo::unit(const std::string& name) const {
  const auto task = std::to_string(pid_);
  for (const auto& thread : fs::directory_iterator("/proc/" + task + "/task")) {
    std::istringstream children(text_of(thread.path() / "children"));
    for (pid_t child = 0; children >> child;) {
      const std::string words = text_of("/proc/" + std::to_string(child) + "/cmdline");
      const std::string wanted = std::string("--name") + '\0' + name + '\0';
      if (words.find(wanted) != std::string::npos) {
        return child;
      }
    }
  }
  throw std::runtime_error("no process of the demo is the unit " + name);
}

std::string Demo::broker() const {
  const auto current = nlohmann::json::parse(text_of(folder_ / "run" / "steward" / "current.json"));
  return current.at("broker").get<std::string>();
}

}  // namespace steward::tests
