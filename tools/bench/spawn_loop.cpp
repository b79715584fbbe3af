#include "tools/bench/spawn_loop.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace steward::bench {

namespace {

using Clock = std::chrono::steady_clock;

std::size_t spawn_until(Clock::time_point end, std::atomic<int>& error) {
  std::string program = "/bin/true";
  char* const argv[] = {program.data(), nullptr};
  std::size_t count = 0;
  while (Clock::now() < end && error == 0) {
    pid_t pid = 0;
    const int spawned = ::posix_spawn(&pid, argv[0], nullptr, nullptr, argv, ::environ);
    if (spawned != 0) {
      error = spawned;
      break;
    }
    ::waitpid(pid, nullptr, 0);
    ++count;
  }
  return count;
}

}  // namespace

Result<void> run_spawn_loop(int threads, std::chrono::milliseconds time, Rate& rate) {
  std::atomic<int> error = 0;
  std::atomic<std::size_t> count = 0;
  const Clock::time_point begin = Clock::now();
  std::vector<std::thread> loops;
  loops.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    loops.emplace_back([&] { count += spawn_until(begin + time, error); });
  }
  for (std::thread& loop : loops) {
    loop.join();
  }
  rate.add(count, Clock::now() - begin);
  if (error != 0) {
    return tl::unexpected(system_error(error, "posix_spawn /bin/true"));
  }
  return {};
}

}  // namespace steward::bench
