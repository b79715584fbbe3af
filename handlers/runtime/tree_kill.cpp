#include "handlers/runtime/tree_kill.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace steward::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLongestPause{50};

// A tree that forks faster than we look is stopped before it is killed: a stopped process has no
// more children. So many looks in one turn of the loop; the rest in the next.
constexpr int kLooksInOneTurn = 8;

void kill_cgroup(int cgroup) {
  const Fd file(openat(cgroup, "cgroup.kill", O_WRONLY | O_CLOEXEC));
  if (file) {
    // Refused only by kernels before 5.14; the sweep over the tree does it then.
    [[maybe_unused]] const ssize_t written = write(file.get(), "1", 1);
  }
}

}  // namespace

TreeKiller::TreeKiller(Loop& loop, std::function<TreeRoot()> root, TreeKill how, Step step)
    : root_(std::move(root)),
      how_(how),
      step_(std::move(step)),
      tree_(how.scope == TreeKill::Scope::tree ? ProcessTree::Scope::tree
                                               : ProcessTree::Scope::child_only),
      timer_(loop, [this] { tick(); }) {
  timer_.start(milliseconds(0));
}

void TreeKiller::shorten(milliseconds grace) {
  how_.grace = std::min(how_.grace, grace);
  if (phase_ == Phase::terming) {
    deadline_ = std::min(deadline_, steady_clock::now() + grace);
  }
  nudge();
}

void TreeKiller::nudge() {
  if (phase_ != Phase::finished) {
    timer_.start(milliseconds(0));
  }
}

void TreeKiller::look_again_soon() {
  timer_.start(pause_);
  pause_ = std::min(pause_ * 2, kLongestPause);
}

// Last in its caller: the one who is told may destroy this.
void TreeKiller::tell(KillStep step) {
  if (step == KillStep::gone || step == KillStep::unkillable) {
    phase_ = Phase::finished;
    timer_.stop();
  }
  const auto listener = step_;
  const TreeReport report{tree_.ended(), tree_.pids()};
  if (listener) {
    listener(step, report);
  }
}

void TreeKiller::tick() {
  const auto now = steady_clock::now();
  if (phase_ == Phase::begin) {
    return how_.grace > milliseconds(0) ? send_term(now) : start_killing(now);
  }
  if (phase_ == Phase::terming) {
    tree_.refresh(root_(), 0);
    if (nothing_left()) {
      return tell(KillStep::gone);
    }
    if (now >= deadline_) {
      return start_killing(now);
    }
    tree_.signal_new(how_.signal);
    return look_again_soon();
  }
  kill_all();
  if (nothing_left()) {
    return tell(KillStep::gone);
  }
  if (now >= deadline_) {
    return tell(KillStep::unkillable);
  }
  look_again_soon();
}

// A list of children that is read while some of them end may leave others out: a second look.
bool TreeKiller::nothing_left() {
  return tree_.empty() && tree_.refresh(root_(), 0) == 0 && tree_.empty();
}

void TreeKiller::send_term(Time now) {
  phase_ = Phase::terming;
  deadline_ = now + how_.grace;
  tree_.refresh(root_(), 0);
  tree_.signal_new(how_.signal);
  look_again_soon();
  tell(KillStep::term_sent);
}

void TreeKiller::start_killing(Time now) {
  phase_ = Phase::killing;
  deadline_ = now + how_.patience;
  pause_ = milliseconds(2);
  kill_all();
  look_again_soon();
  tell(KillStep::kill_sent);
}

void TreeKiller::kill_all() {
  const TreeRoot root = root_();
  if (how_.scope == TreeKill::Scope::tree && root.cgroup >= 0) {
    kill_cgroup(root.cgroup);
  }
  for (int look = 0; look < kLooksInOneTurn && tree_.refresh(root, SIGKILL) > 0; ++look) {
    tree_.signal_new(SIGSTOP);
  }
  tree_.signal_all(SIGKILL);
}

}  // namespace steward::runtime
