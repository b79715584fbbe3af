#pragma once

#include "handlers/runtime/process_tree.hpp"
#include "handlers/runtime/processes.hpp"

#include <chrono>
#include <functional>

namespace steward::runtime {

// Carries out Child::kill_tree: TERM, a look at the tree every few milliseconds for who is new or
// gone, KILL. For the sources of this folder.
class TreeKiller {
 public:
  using Step = std::function<void(KillStep, const TreeReport&)>;

  // `root` tells the tree's state at the time of asking.
  TreeKiller(Loop& loop, std::function<TreeRoot()> root, TreeKill how, Step step);

  // At most that much grace from now on.
  void shorten(std::chrono::milliseconds grace);

  // Something has ended: looks at once.
  void nudge();

  bool finished() const { return phase_ == Phase::finished; }

 private:
  enum class Phase { begin, terming, killing, finished };
  using Time = std::chrono::steady_clock::time_point;

  void tick();
  bool nothing_left();
  void send_term(Time now);
  void start_killing(Time now);
  void kill_all();
  void look_again_soon();
  void tell(KillStep step);

  std::function<TreeRoot()> root_;
  TreeKill how_;
  Step step_;
  ProcessTree tree_;
  Phase phase_ = Phase::begin;
  Time deadline_;
  std::chrono::milliseconds pause_{2};
  Timer timer_;
};

}  // namespace steward::runtime
