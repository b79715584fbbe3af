#include "handlers/runtime/state_lock.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace steward::tests {

TEST_CASE("state lock: a second agent on the same directory is refused with the first one's pid") {
  std::string folder = (std::filesystem::temp_directory_path() / "state-lock-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::filesystem::path state = std::filesystem::path(folder) / "a" / "state";
  {
    const auto first = runtime::StateLock::take(state, "steward-edge");
    REQUIRE(first);
    const auto second = runtime::StateLock::take(state, "steward-edge");
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

TEST_CASE("state lock: a directory that cannot be made says which and why") {
  const auto lock = runtime::StateLock::take("/proc/nonexistent/state", "steward-edge");
  REQUIRE_FALSE(lock);
  CHECK(lock.error().message.find("/proc/nonexistent/state") != std::string::npos);
}

}  // namespace steward::tests
