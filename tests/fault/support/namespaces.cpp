#include "tests/fault/support/namespaces.hpp"

#include "tests/support/process.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

namespace steward::tests {
namespace {

// The hardware address of nobody.
constexpr const char* kNobody = "02:00:00:00:00:99";
constexpr const char* kUnitHost = "10.91.0.2";

// Enters new namespaces of those kinds; as a user who is root in there where we are not.
bool enter(int kinds) {
  if (::unshare(kinds) == 0) {
    return true;
  }
  const auto uid = ::getuid();
  const auto gid = ::getgid();
  if (::unshare(kinds | CLONE_NEWUSER) != 0) {
    return false;
  }
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
  std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
  return ::getuid() == 0;
}

// A program that is not there is a defect of the machine; a right that its kernel does not give is
// not.
bool missing(const std::string& what) {
  if (std::getenv("CI") != nullptr) {
    FAIL(what);
  }
  MESSAGE("SKIPPED: ", what);
  return false;
}

bool forbidden(const std::string& what) {
  MESSAGE("SKIPPED: ", what);
  return false;
}

std::string network_of(pid_t pid) { return "/proc/" + std::to_string(pid) + "/ns/net"; }

}  // namespace

bool Cable::available() {
  if (std::system("ip -V >/dev/null 2>&1") != 0) {
    return missing("there is no ip (package iproute2)");
  }
  return enter(CLONE_NEWNET) || forbidden("no right to make a network namespace");
}

Cable::Cable() {
  std::array<int, 2> ready{};
  if (::pipe2(ready.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  holder_ = ::fork();
  if (holder_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool entered = ::unshare(CLONE_NEWNET) == 0;
    static_cast<void>(!::write(ready[1], entered ? "y" : "n", 1));
    for (;;) {
      ::pause();
    }
  }
  char word = 'n';
  static_cast<void>(!::read(ready[0], &word, 1));
  ::close(ready[0]);
  ::close(ready[1]);
  REQUIRE(word == 'y');
  const std::string inside = "nsenter --net=" + unit_network() + " ";
  run("", "link set lo up");
  run("", "link add s0 type veth peer name u0 netns " + std::to_string(holder_));
  run("", "address add " + broker_host() + "/24 dev s0");
  run("", "link set s0 up");
  run(inside, "link set lo up");
  run(inside, std::string("address add ") + kUnitHost + "/24 dev u0");
  run(inside, "link set u0 up");
}

Cable::~Cable() {
  tests::send_signal(holder_, SIGKILL);
  ::waitpid(holder_, nullptr, 0);
}

std::string Cable::unit_network() const { return network_of(holder_); }

void Cable::run(const std::string& where, const std::string& words) const {
  const std::string command = where + "ip " + words;
  REQUIRE_MESSAGE(std::system(command.c_str()) == 0, command);
}

// What is sent to a hardware address that nobody has is thrown away by the receiver: no error, no
// answer, no carrier lost.
void Cable::cut(Way way) {
  if (way != Way::from_units) {
    run("",
        std::string("neighbour replace ") + kUnitHost + " lladdr " + kNobody +
            " nud permanent dev s0");
  }
  if (way != Way::to_units) {
    run("nsenter --net=" + unit_network() + " ",
        "neighbour replace " + broker_host() + " lladdr " + kNobody + " nud permanent dev u0");
  }
}

void Cable::mend() {
  run("", "neighbour flush nud permanent dev s0");
  run("nsenter --net=" + unit_network() + " ", "neighbour flush nud permanent dev u0");
}

void Cable::unplug() { run("", "link set s0 down"); }

void Cable::plug() { run("", "link set s0 up"); }

bool SmallDisk::available() {
  return (enter(CLONE_NEWNS) && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) ||
         forbidden("no right to mount a small disk");
}

SmallDisk::SmallDisk(std::filesystem::path folder, std::size_t bytes) : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
  const auto options = "size=" + std::to_string(bytes) + ",mode=0700";
  if (::mount("tmpfs", folder_.c_str(), "tmpfs", 0, options.c_str()) != 0) {
    throw std::system_error(errno, std::generic_category(), "mount a tmpfs");
  }
}

SmallDisk::~SmallDisk() {
  ::umount2(folder_.c_str(), MNT_DETACH);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::size_t SmallDisk::fill() const {
  const int fd =
      ::open((folder_ / "ballast").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  std::vector<char> block(4096, 'x');
  std::size_t taken = 0;
  for (;;) {
    const ssize_t wrote = ::write(fd, block.data(), block.size());
    if (wrote <= 0) {
      break;
    }
    taken += static_cast<std::size_t>(wrote);
  }
  ::close(fd);
  return taken;
}

void SmallDisk::free() const { std::filesystem::remove(folder_ / "ballast"); }

}  // namespace steward::tests
