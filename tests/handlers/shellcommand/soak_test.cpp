// Many commands: nothing grows, nothing is left; and how fast it is beside a bare loop.

#include "tests/handlers/shellcommand/harness.hpp"

#include <doctest/doctest.h>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace steward::handlers::shellcommand::soak_test {
namespace {

using std::chrono::steady_clock;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kCommands = 2'000;  // a sanitizer makes each of them some milliseconds long
constexpr bool kSanitized = true;
#else
constexpr std::size_t kCommands = 10'000;
constexpr bool kSanitized = false;
#endif

// Commands per second of posix_spawn and waitpid, nothing else.
double bare_rate(std::size_t count) {
  char program[] = "/bin/true";
  char* argv[] = {program, nullptr};
  char* env[] = {nullptr};
  const auto begin = steady_clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    pid_t pid = 0;
    REQUIRE(posix_spawn(&pid, program, nullptr, nullptr, argv, env) == 0);
    REQUIRE(waitpid(pid, nullptr, 0) == pid);
  }
  const std::chrono::duration<double> took = steady_clock::now() - begin;
  return static_cast<double>(count) / took.count();
}

// The same with every command received, run, and answered; `at_once` of them given at a time. Ends
// after 20 s on a machine that has other things to do.
double handler_rate(Harness& harness, std::size_t count, const char* payload, std::size_t at_once) {
  const auto begin = steady_clock::now();
  std::size_t done = 0;
  for (; done < count && steady_clock::now() - begin < 20s; done += at_once) {
    const std::size_t wanted = harness.recorder.terminal_count + at_once;
    for (std::size_t k = 0; k < at_once; ++k) {
      harness.send(payload);
    }
    REQUIRE(harness.until([&] { return harness.recorder.terminal_count >= wanted; }));
  }
  const std::chrono::duration<double> took = steady_clock::now() - begin;
  return static_cast<double>(done) / took.count();
}

}  // namespace

TEST_CASE("shellcommand: thousands of commands leave no descriptor, zombie or memory behind") {
  const double bare = bare_rate(500);  // before a Processes is there, which would reap its children
  Harness harness;
  harness.recorder.keep_acks = false;
  const char* const serial = R"({"argv":["/bin/true"]})";
  const char* const parallel = R"({"argv":["/bin/true"],"queue":"parallel","max_parallel":4})";
  handler_rate(harness, 500, serial, 50);
  const int descriptors = open_descriptors();
  const std::size_t resident = resident_bytes();
  const double one_by_one = handler_rate(harness, kCommands / 2, serial, 50);
  const double side_by_side = handler_rate(harness, kCommands / 2, parallel, 50);
  CHECK(harness.until([] { return zombies() == 0; }, 2s));
  CHECK(harness.until([&] { return open_descriptors() <= descriptors; }, 2s));
  const std::size_t after = resident_bytes();
  const double grown = static_cast<double>(after - std::min(after, resident)) / 1024;
  MESSAGE("/bin/true per second: bare " << bare << ", serial " << one_by_one << ", parallel "
                                        << side_by_side << "; RSS grew by " << grown << " KiB");
  if (!kSanitized) {
    CHECK(grown < 1024);
  }
}

TEST_CASE("shellcommand: from the receipt of a command to its exec") {
  Harness harness;
  std::vector<double> microseconds;
  for (int i = 0; i < 200; ++i) {
    const auto begin = steady_clock::now();
    const auto id = harness.send(R"({"argv":["/bin/true"]})");
    REQUIRE(
        harness.until([&] { return harness.find(id, wire::CommandState::running) != nullptr; }));
    microseconds.push_back(
        std::chrono::duration<double, std::micro>(steady_clock::now() - begin).count());
    harness.outcome(id);
  }
  std::sort(microseconds.begin(), microseconds.end());
  MESSAGE("receipt to exec: p50 " << microseconds[100] << " us, p99 " << microseconds[198]
                                  << " us");
  CHECK(microseconds[100] < (kSanitized ? 50'000 : 10'000));
}

}  // namespace steward::handlers::shellcommand::soak_test
