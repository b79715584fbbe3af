#include "handlers/runtime/state_lock.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

namespace steward::tests::state_lock_test {

TEST_CASE("state lock: a second agent on the same directory is refused with the first one's pid") {
  std::string folder = (std::filesystem::temp_directory_path() / "state-lock-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::filesystem::path state = std::filesystem::path(folder) / "a" / "state";
  {
    const auto first = runtime::StateLock::take(state, "steward-edge");
    REQUIRE(first);
    const auto second =
        runtime::StateLock::take(state, "steward-edge", std::chrono::milliseconds(0));
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::conflict);
    CHECK(second.error().message.find("(pid " + std::to_string(::getpid()) + ")") !=
          std::string::npos);
    CHECK(second.error().message.find("--state-dir") != std::string::npos);
  }
  CHECK(runtime::StateLock::take(state, "steward-edge"));  // free again
  CHECK((std::filesystem::status(state).permissions() & std::filesystem::perms::all) ==
        std::filesystem::perms::owner_all);
  std::filesystem::remove_all(folder);
}

TEST_CASE("state lock: one that a child of the killed agent still holds is waited for") {
  std::string folder = (std::filesystem::temp_directory_path() / "state-lock-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::filesystem::path state = std::filesystem::path(folder) / "state";
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  pid_t child = 0;
  {
    const auto agent = runtime::StateLock::take(state, "steward-edge");
    REQUIRE(agent);
    child = ::fork();
    if (child == 0) {
      char word = 0;
      ::close(pipe[1]);
      static_cast<void>(!::read(pipe[0], &word, 1));  // until the parent closes its end
      ::_exit(0);
    }
  }
  CHECK_FALSE(runtime::StateLock::take(state, "steward-edge", std::chrono::milliseconds(0)));
  std::thread ending([&pipe] { ::close(pipe[1]); });
  CHECK(runtime::StateLock::take(state, "steward-edge", std::chrono::seconds(20)));
  ending.join();
  ::waitpid(child, nullptr, 0);
  ::close(pipe[0]);
  std::filesystem::remove_all(folder);
}

TEST_CASE("state lock: a directory that cannot be made says which and why") {
  const auto lock = runtime::StateLock::take("/proc/nonexistent/state", "steward-edge");
  REQUIRE_FALSE(lock);
  CHECK(lock.error().message.find("/proc/nonexistent/state") != std::string::npos);
}

}  // namespace steward::tests::state_lock_test
