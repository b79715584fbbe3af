#include "subjects/bus/crash_point.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <set>
#include <stdexcept>

namespace steward::bus::crash_point_test {
namespace {

// How a process ends that does that under that order: its exit code, or 128 + the signal.
int end_of(const char* order, const std::function<void()>& life) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::setenv("STEWARD_CRASH", order, 1);
    ::close(STDERR_FILENO);
    life();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Passes the point before a spawn that often, the one behind it once.
std::function<void()> passing(int times, std::string_view about = {}) {
  return [times, about] {
    for (int pass = 0; pass < times; ++pass) {
      crash_point("edge.spawn.before", about);
    }
    crash_point("edge.spawn.after", about);
  };
}

constexpr int kKilled = 128 + SIGKILL;

}  // namespace

TEST_CASE("crash point: no name is there twice, and each says whose it is") {
  std::set<std::string_view> names;
  for (const auto name : kCrashPoints) {
    CAPTURE(name);
    CHECK(names.insert(name).second);
    CHECK((name.rfind("edge.", 0) == 0 || name.rfind("station.", 0) == 0));
  }
}

#if defined(STEWARD_CRASH_POINTS)

TEST_CASE("crash point: the process is killed at the named point, at its n-th pass") {
  CHECK(end_of("", passing(3)) == 0);
  CHECK(end_of("edge.spawn.before:3", passing(2)) == 0);
  CHECK(end_of("edge.spawn.before:3", passing(3)) == kKilled);
  CHECK(end_of("edge.spawn.after:1", passing(0)) == kKilled);
  CHECK(end_of("edge.exit.seen:1", passing(9)) == 0);
}

TEST_CASE("crash point: only passes that are about the named thing are counted") {
  CHECK(end_of("edge.spawn.before:2:this", passing(2, "this")) == kKilled);
  CHECK(end_of("edge.spawn.before:1:this", passing(2, "that")) == 0);
  CHECK(end_of("edge.spawn.before:1:this", passing(2)) == 0);
  CHECK(end_of("edge.spawn.before:2", passing(2, "that")) == kKilled);
}

TEST_CASE(
    "crash point: instead of the end of all, an exception comes out where that is asked for") {
  CHECK(end_of("", [] {
          ::setenv("STEWARD_THROW", "edge.exit.seen:2", 1);
          crash_point("edge.exit.seen");
          try {
            crash_point("edge.exit.seen");
          } catch (const std::runtime_error&) {
            ::_exit(3);
          }
        }) == 3);
}

TEST_CASE("crash point: an order that is none ends the program at its first point") {
  for (const char* order : {"edge.spawn.before",
                            "edge.spawn.before:",
                            "edge.spawn.before:0",
                            "edge.spawn.before:1x",
                            "edge.nowhere:1"}) {
    CAPTURE(order);
    CHECK(end_of(order, passing(1)) == 70);
  }
}

#else

TEST_CASE("crash point: a build without them passes every point") {
  CHECK(end_of("edge.spawn.before:1", passing(1)) == 0);
}

#endif

}  // namespace steward::bus::crash_point_test
