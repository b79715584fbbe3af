// What a run waits for: its window, and the lock of the package system.

#include "handlers/osupdate/run.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using std::chrono::milliseconds;
using wire::UpdateEvent;

constexpr milliseconds kLockPause{250};
constexpr milliseconds kWindowPause{30'000};
constexpr milliseconds kSayWhoHolds{1'000};

std::string shown(const LockHolder& holder) {
  return "process " + std::to_string(holder.pid) +
         (holder.program.empty() ? "" : " (" + holder.program + ")");
}

}  // namespace

void Run::await_window(std::function<void()> then) {
  opened_ = std::move(then);
  waits_for_.clear();
  look_at_window();
}

void Run::look_at_window() {
  const auto now = shop_.context.clock.now();
  const auto opens = window_.opens(now);
  if (opens <= now) {
    waits_for_.clear();
    next_ = std::exchange(opened_, nullptr);
    return later_.start(milliseconds(0));
  }
  if (opens == wire::Timestamp::max()) {
    return fail({ErrorCode::bad_payload, "its window never opens"});
  }
  const auto when = "its window, which opens at " + wire::format_time(opens);
  if (waits_for_ != when) {
    const bool pending = record_.phase == Phase::reboot_pending;
    if (!pending && record_.phase != Phase::waiting_window && !enter(Phase::waiting_window)) {
      return;
    }
    waits_for_ = when;
    tell(UpdateEvent::Type::phase, "waits for " + when);
  }
  const auto left = std::chrono::duration_cast<milliseconds>(opens - now);
  opening_.start(std::clamp(left, kLockPause, kWindowPause));  // clocks are set, too
}

void Run::await_lock(milliseconds patience, std::function<void()> then) {
  unlocked_ = std::move(then);
  patience_ = patience;
  waits_since_ = shop_.context.clock.steady();
  waits_for_.clear();
  look_at_lock();
}

// The lock is never broken: at the end of its patience the run ends, with the holder's name.
void Run::look_at_lock() {
  const auto holder = shop_.driver.lock_holder();
  if (!holder) {
    return fail(holder.error());
  }
  if (!*holder) {
    waits_for_.clear();
    next_ = std::exchange(unlocked_, nullptr);
    later_.start(milliseconds(0));
    return;
  }
  const auto waited = shop_.context.clock.steady() - waits_since_;
  const auto who = shown(**holder);
  if (patience_ != milliseconds::max() && waited >= patience_) {
    return fail({ErrorCode::timed_out, "the package system is locked by " + who});
  }
  if (waited >= kSayWhoHolds && waits_for_ != who) {
    // Nothing has begun: another agent begins from the top.
    if (patience_ != milliseconds::max() && record_.phase != Phase::waiting_lock &&
        !enter(Phase::waiting_lock)) {
      return;
    }
    waits_for_ = who;
    shop_.context.log.info("waits for " + who + ", which holds the lock of the package system");
    tell(UpdateEvent::Type::phase, "locked by " + who);
  }
  lock_.start(kLockPause);
}

}  // namespace steward::handlers::osupdate
