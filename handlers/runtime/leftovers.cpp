#include "handlers/runtime/leftovers.hpp"

#include <utility>

namespace steward::runtime {

void Leftovers::end(const std::string& job) {
  std::erase_if(killers_, [](const auto& killer) { return killer->finished(); });
  TreeRoot root;
  root.main = -1;
  root.main_lives = false;
  root.job = job;
  root.where = TreeRoot::Where::everywhere;
  TreeKill how;
  how.grace = std::chrono::milliseconds(0);
  killers_.push_back(std::make_unique<TreeKiller>(
      loop_, [root] { return root; }, how, nullptr));
}

}  // namespace steward::runtime
