#pragma once

#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/tree_kill.hpp"

#include <memory>
#include <string>
#include <vector>

namespace steward::runtime {

// Ends what is left of commands of an agent that was killed: their processes go on without it, and
// nobody would know of them. On its loop's thread.
class Leftovers {
 public:
  explicit Leftovers(Loop& loop) : loop_(loop) {}

  // All processes with that STEWARD_JOB, and all below them.
  void end(const std::string& job);

 private:
  Loop& loop_;
  std::vector<std::unique_ptr<TreeKiller>> killers_;
};

}  // namespace steward::runtime
