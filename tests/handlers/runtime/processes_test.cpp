#include "handlers/runtime/processes.hpp"

#include "tests/handlers/run_until.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace steward::runtime::processes_test {
namespace {

using namespace std::chrono_literals;

SpawnRequest shell(const std::string& script) {
  SpawnRequest request;
  request.argv = {"sh", "-c", script};
  request.env = {"PATH=/usr/bin:/bin"};
  return request;
}

bool is_zombie_or_gone(pid_t pid, bool& gone) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  gone = !std::getline(file, text);
  return gone || text.find(") Z ") != std::string::npos;
}

std::string cgroup2_mount() {
  std::ifstream mounts("/proc/self/mounts");
  std::string device;
  std::string path;
  std::string type;
  for (std::string rest; mounts >> device >> path >> type && std::getline(mounts, rest);) {
    if (type == "cgroup2") {
      return path;
    }
  }
  return "";
}

}  // namespace

TEST_CASE("processes: a child's exit status and usage come to the loop that spawned it") {
  Loop loop;
  Processes processes(loop);
  std::optional<ExitStatus> exit;
  auto child = processes.spawn(loop, shell("exit 42"), [&](const ExitStatus& e) { exit = e; });
  REQUIRE(child);
  REQUIRE(until(loop, [&] { return exit.has_value(); }));
  CHECK(exit->code == 42);
  CHECK(exit->max_rss_bytes > 0);
  CHECK(!(*child)->running());
  CHECK((*child)->signal(SIGTERM).error().code == ErrorCode::not_found);
}

TEST_CASE("processes: a failed step is said by name, and nothing of the child is left") {
  Loop loop;
  Processes processes(loop);
  const auto fails = [&](const SpawnRequest& request, ErrorCode code, const std::string& text) {
    const auto child = processes.spawn(loop, request, [](const ExitStatus&) { CHECK(false); });
    REQUIRE(!child);
    CHECK(child.error().code == code);
    CHECK_MESSAGE(child.error().message.find(text) != std::string::npos, child.error().message);
  };
  auto request = shell("true");
  request.argv = {"/no/such/program"};
  fails(request,
        ErrorCode::exec_failed,
        "execute /no/such/program: No such file or directory (ENOENT)");
  request = shell("true");
  request.cwd = "/no/such/folder";
  fails(request, ErrorCode::exec_failed, "enter directory /no/such/folder");
  request = shell("true");
  request.limits = {{999, 1}};
  fails(request, ErrorCode::limits_unavailable, "EINVAL");
}

TEST_CASE("processes: orphans of a child are adopted and reaped, and belong to its tree") {
  Loop loop;
  Processes processes(loop);
  bool exited = false;
  auto child = processes.spawn(loop,
                               shell("(env -i /usr/bin/setsid /usr/bin/sleep 70.3 &)"),
                               [&](const ExitStatus&) { exited = true; });
  REQUIRE(child);
  REQUIRE(until(loop, [&] { return exited; }));
  REQUIRE(until(loop, [&] { return (*child)->tree().size() == 1; }));
  const pid_t orphan = (*child)->tree().front();
  std::optional<KillStep> end;
  TreeReport report;
  (*child)->kill_tree({}, [&](KillStep step, const TreeReport& now) {
    end = step;
    report = now;
  });
  REQUIRE(until(loop, [&] { return end == KillStep::gone; }));
  CHECK(report.killed == 1);
  CHECK(report.alive.empty());
  bool gone = false;
  CHECK(until(loop, [&] { return is_zombie_or_gone(orphan, gone) && gone; }));
}

TEST_CASE("processes: two children's trees do not mix") {
  Loop loop;
  Processes processes(loop);
  const auto nothing = [](const ExitStatus&) {};
  auto first = processes.spawn(loop, shell("(setsid sleep 70.4 &); sleep 70.4"), nothing);
  auto second = processes.spawn(loop, shell("(setsid sleep 70.4 &); sleep 70.4"), nothing);
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(
      until(loop, [&] { return (*first)->tree().size() == 3 && (*second)->tree().size() == 3; }));
  std::optional<KillStep> end;
  (*first)->kill_tree({.grace = 0ms}, [&](KillStep step, const TreeReport&) { end = step; });
  REQUIRE(until(loop, [&] { return end == KillStep::gone; }));
  CHECK(until(loop, [&] { return (*second)->tree().size() == 3; }));  // all of it, still starting
  end.reset();
  (*second)->kill_tree({.grace = 0ms}, [&](KillStep step, const TreeReport&) { end = step; });
  CHECK(until(loop, [&] { return end == KillStep::gone; }));
}

TEST_CASE("processes: a child is killed with its object, and reaped") {
  Loop loop;
  Processes processes(loop);
  pid_t pid = 0;
  {
    auto child =
        processes.spawn(loop, shell("exec sleep 70.5"), [](const ExitStatus&) { CHECK(false); });
    REQUIRE(child);
    pid = (*child)->pid();
  }
  bool gone = false;
  CHECK(until(loop, [&] { return is_zombie_or_gone(pid, gone) && gone; }));
}

TEST_CASE("processes: a child can be made to end with the thread that spawned it") {
  Loop loop;
  Processes processes(loop);
  Loop own;
  std::unique_ptr<Child> child;
  std::optional<ExitStatus> exit;
  std::thread thread([&] {
    auto request = shell("exec sleep 70.6");
    request.parent_death_signal = SIGUSR2;
    auto spawned = processes.spawn(own, request, [&](const ExitStatus& e) { exit = e; });
    REQUIRE(spawned);
    child = *std::move(spawned);
  });
  thread.join();
  REQUIRE(until(own, [&] { return exit.has_value(); }));
  CHECK(exit->signal == SIGUSR2);
  child.reset();
}

TEST_CASE("processes: a child is born into its cgroup, and cgroup.kill ends all in it") {
  const std::string folder = cgroup2_mount() + "/steward-test-" + std::to_string(getpid());
  if (geteuid() != 0 || mkdir(folder.c_str(), 0755) != 0) {
    MESSAGE("no writable cgroup v2 here: skipped");
    return;
  }
  const int group = open(folder.c_str(), O_DIRECTORY | O_CLOEXEC);
  {
    Loop loop;
    Processes processes(loop);
    bool exited = false;
    auto request = shell("sleep 70.7 & sleep 70.7 & sleep 70.7");
    request.cgroup = group;
    auto child = processes.spawn(loop, request, [&](const ExitStatus&) { exited = true; });
    REQUIRE(child);
    REQUIRE(until(loop, [&] {
      std::ifstream procs(folder + "/cgroup.procs");
      return std::distance(std::istream_iterator<int>(procs), std::istream_iterator<int>()) == 4;
    }));
    auto bad = shell("true");
    bad.argv = {"/no/such/program"};
    bad.cgroup = group;
    CHECK(processes.spawn(loop, bad, [](const ExitStatus&) {}).error().message.find("ENOENT") !=
          std::string::npos);
    std::optional<KillStep> end;
    (*child)->kill_tree({.grace = 0ms}, [&](KillStep step, const TreeReport&) { end = step; });
    CHECK(until(loop, [&] { return end == KillStep::gone && exited; }));
  }
  close(group);
  CHECK(rmdir(folder.c_str()) == 0);
}

TEST_CASE("processes: a child that was let go runs on, and is reaped whichever thread started it") {
  Loop loop;
  Processes processes(loop);
  std::promise<pid_t> started;
  std::array<int, 2> reaped{};
  REQUIRE(pipe2(reaped.data(), O_CLOEXEC) == 0);
  std::thread starter([&] {
    Loop own;
    auto child = processes.spawn(own, shell("sleep 0.2"), [](const ExitStatus&) {});
    started.set_value(child ? (*child)->pid() : 0);
    if (child) {
      (*child)->release();
      child->reset();
    }
    // A thread that ends leaves its children to another one. It waits in a call that signals reach:
    // SIGCHLD comes to the thread that has started the child.
    pollfd until_reaped{reaped[0], 0, 0};
    while (poll(&until_reaped, 1, -1) < 0 && errno == EINTR) {
    }
  });
  const pid_t pid = started.get_future().get();
  REQUIRE(pid > 0);
  bool gone = false;
  CHECK(!is_zombie_or_gone(pid, gone));
  CHECK(until(loop, [&] { return is_zombie_or_gone(pid, gone) && gone; }));
  close(reaped[1]);
  starter.join();
  close(reaped[0]);
}

TEST_CASE("processes: a child that ended before it was let go is reaped, too") {
  Loop loop;
  Processes processes(loop);
  pid_t pid = 0;
  std::thread starter([&] {
    Loop own;
    auto child = processes.spawn(own, shell("exit 0"), [](const ExitStatus&) {});
    REQUIRE(child);
    pid = (*child)->pid();
    bool gone = false;
    while (!is_zombie_or_gone(pid, gone)) {
      std::this_thread::yield();
    }
    (*child)->release();
  });
  starter.join();
  bool gone = false;
  CHECK(is_zombie_or_gone(pid, gone));
  CHECK(gone);  // though no loop ran that hears of the SIGCHLD
}

}  // namespace steward::runtime::processes_test
