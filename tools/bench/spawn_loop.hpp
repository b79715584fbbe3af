#pragma once

#include "subjects/wire/error.hpp"
#include "tools/bench/statistics.hpp"

#include <chrono>

namespace steward::bench {

// The peer of the commands: `threads` loops of nothing but posix_spawn of /bin/true and waitpid,
// for that long, added to the rate. Errors: those of posix_spawn.
[[nodiscard]] Result<void> run_spawn_loop(int threads, std::chrono::milliseconds time, Rate& rate);

}  // namespace steward::bench
