#include "tests/support/booted_system.hpp"

#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace steward::tests {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kBootLimit = 60s;

fs::path new_folder() {
  auto pattern = (fs::temp_directory_path() / "steward-systemd-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  return pattern;
}

std::string text_in(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

pid_t spawn(const std::vector<std::string>& argv, int out) {
  std::vector<char*> pointers;
  auto copies = argv;
  for (auto& word : copies) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (out >= 0) {
      dup2(out, 1);
      dup2(out, 2);
    }
    execvp(pointers[0], pointers.data());
    _exit(127);
  }
  return pid;
}

}  // namespace

std::unique_ptr<BootedSystem> BootedSystem::start() {
  if (geteuid() != 0) {
    MESSAGE("SKIPPED: only root may boot a systemd");
    return nullptr;
  }
  auto folder = new_folder();
  const pid_t shell =
      spawn({STEWARD_SOURCE_DIR "/tests/support/boot_systemd.sh", folder.string()}, -1);
  auto system = std::unique_ptr<BootedSystem>(new BootedSystem(folder, shell));
  const auto limit = std::chrono::steady_clock::now() + kBootLimit;
  while (!fs::exists(folder / "pid")) {
    const bool ended = waitpid(shell, nullptr, WNOHANG) == shell;
    if (ended || std::chrono::steady_clock::now() > limit) {
      const auto log = text_in(folder / "log");
      if (log.find("not permitted") != std::string::npos || !fs::exists(folder / "log")) {
        MESSAGE("SKIPPED: no namespaces may be made here: " << log);
        return nullptr;
      }
      FAIL("systemd does not come up: " << log);
    }
    std::this_thread::sleep_for(20ms);
  }
  system->first_ = std::stoi(text_in(folder / "pid"));
  return system;
}

BootedSystem::BootedSystem(fs::path folder, pid_t shell)
    : folder_(std::move(folder)), shell_(shell) {}

BootedSystem::~BootedSystem() {
  tests::send_signal(shell_, SIGTERM);
  waitpid(shell_, nullptr, 0);
  std::error_code error;
  fs::remove_all(folder_, error);
}

fs::path BootedSystem::root() const { return "/proc/" + std::to_string(first_) + "/root"; }

BootedSystem::Ran BootedSystem::run(const std::vector<std::string>& argv) const {
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  std::vector<std::string> words{
      "nsenter", "-t", std::to_string(first_), "-p", "-m", "-u", "-i", "-n", "-C", "-r", "-w"};
  words.insert(words.end(), argv.begin(), argv.end());
  const pid_t pid = spawn(words, ends[1]);
  close(ends[1]);
  Ran ran;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    ran.out.append(buffer.data(), static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

std::string BootedSystem::property(const std::string& unit, const std::string& name) const {
  auto out = run({"systemctl", "show", "--value", "-p", name, unit}).out;
  while (!out.empty() && out.back() == '\n') {
    out.pop_back();
  }
  return out;
}

void BootedSystem::add_unit(const std::string& name, const std::string& text) const {
  std::ofstream(root() / "etc/systemd/system" / name) << text;
  const auto told = run({"systemctl", "daemon-reload"});
  REQUIRE_MESSAGE(told.status == 0, told.out);
}

std::string BootedSystem::bus() const {
  return "unix:path=" + (root() / "run/dbus/system_bus_socket").string();
}

fs::path BootedSystem::journal() const {
  for (const auto* place : {"run/log/journal", "var/log/journal"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root() / place, error)) {
      return entry.path();
    }
  }
  return {};
}

}  // namespace steward::tests
