// How a daemon ends, and what comes behind it.

#include "handlers/daemon/daemon.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTold{1'000};

std::string how(const wire::DaemonExit& exit, const std::optional<Error>& error) {
  if (error) {
    return error->message;
  }
  const auto how = exit.exit_code        ? "ended with exit code " + std::to_string(*exit.exit_code)
                   : exit.signal.empty() ? std::string("ended, and nobody knows how")
                                         : "ended by signal " + exit.signal;
  return exit.cause.empty() ? how : how + " (" + exit.cause + ")";
}

}  // namespace

void Daemon::ended(const wire::DaemonExit& exit, const std::optional<Error>& error) {
  // A run may be over before it was heard that it had begun: it was executed all the same.
  if (!error && !adopting_ && state_ == State::starting && unit().empty() &&
      record_.spec.ready.by == wire::ReadyBy::none) {
    ready();
  }
  stop_looking();
  last_exit_ = exit;
  last_error_ = error;
  shop_.changed(*this, wire::DaemonEvent::Type::exit);
}

void Daemon::gone() {
  const bool ended_by_us = (run_->ending() && !ready_late_ && unwell_.empty()) || record_.old;
  told_of_ = run_->told();
  run_.reset();
  told_.start(kTold);
  if (std::exchange(record_.old, std::nullopt)) {
    shop_.keep(*this);
  }
  if (for_now_) {
    return enter(State::stopped, "the agent ends");
  }
  if (!record_.wanted) {
    return enter(State::stopped, "");
  }
  const bool was_down = adopting_ && !last_exit_;
  if (was_down && record_.ended_in_boot == shop_.boot) {
    adopting_ = false;
    return enter(State::stopped, "ended before this agent, as it may");
  }
  if (ended_by_us || was_down) {
    adopting_ = false;
    return bring_up();
  }
  after_end();
}

// By systemd itself. It counts all the same: what ends again and again is not well.
void Daemon::again() {
  ++restarts_;
  std::ignore = backoff_.after(milliseconds(0), shop_.chance());
  set_crash_loop(backoff_.is_crash_loop());
  enter(State::starting,
        how(last_exit_.value_or(wire::DaemonExit{}), last_error_) + "; systemd starts it again");
}

void Daemon::unsure(const std::string& why) {
  enter(state_, why.empty() ? "" : "systemd is not heard, it may have changed: " + why);
}

void Daemon::found_running() {
  if (!run_ && !for_now_) {
    pause_.stop();
    adopt();
  }
}

void Daemon::reset() {
  backoff_.forget();
  failures_ = 0;
  set_crash_loop(false);
  if (state_ == State::backoff || state_ == State::failed) {
    bring_up();
  }
}

void Daemon::stay_down(State state, std::string why) {
  record_.ended_in_boot = shop_.boot;
  shop_.keep(*this);
  enter(state, std::move(why));
}

void Daemon::after_end() {
  const bool was_ready = state_ == State::ready || state_ == State::unhealthy || !unwell_.empty();
  const bool good_end =
      last_exit_ && last_exit_->exit_code == 0 && !last_error_ && !ready_late_ && unwell_.empty();
  const auto why = ready_late_        ? "was not ready in time"
                   : !unwell_.empty() ? std::exchange(unwell_, "")
                                      : how(last_exit_.value_or(wire::DaemonExit{}), last_error_);
  adopting_ = false;
  const auto policy = record_.spec.restart.policy;
  const bool may_end = good_end && policy != wire::RestartPolicy::always;
  if (!was_ready && !may_end) {
    ++failures_;
    failure_reason_ = why;
    if (go_back()) {
      return;
    }
  }
  if (may_end || policy == wire::RestartPolicy::never) {
    return stay_down(good_end ? State::stopped : State::failed, why);
  }
  const auto up =
      was_ready ? std::chrono::duration_cast<milliseconds>(shop_.context.clock.steady() - up_since_)
                : milliseconds(0);
  // It counts from the end, not from the moment when the agent was done with that.
  const auto pause = backoff_.after(up, shop_.chance());
  const auto passed = std::chrono::duration_cast<milliseconds>(
      last_exit_ ? shop_.context.clock.now() - last_exit_->ended : milliseconds(0));
  ++restarts_;
  pause_.start(pause - std::clamp(passed, milliseconds(0), pause));
  set_crash_loop(backoff_.is_crash_loop());
  enter(State::backoff, why + "; is started again in " + std::to_string(pause.count()) + " ms");
}

// The spec that was applied does not come up, and there was a good one before it.
bool Daemon::go_back() {
  if (!applying_ || !record_.good || *record_.good == record_.spec) {
    return false;
  }
  applying_ = false;
  went_back_ = true;
  record_.spec = *record_.good;
  ++record_.version;
  backoff_ = Backoff(record_.spec.restart);
  shop_.keep(*this);
  bring_up();
  return true;
}

void Daemon::last_lines(wire::Timestamp started, const std::string& lines) {
  if (last_exit_ && last_exit_->started == started) {
    last_exit_->last_log = lines;
    shop_.changed(*this, wire::DaemonEvent::Type::state);
  }
}

void Daemon::set_crash_loop(bool is) {
  if (std::exchange(in_crash_loop_, is) != is) {
    shop_.crash_loop_changed(*this);
  }
}

}  // namespace steward::handlers::daemon
