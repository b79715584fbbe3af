#include "handlers/daemon/daemon.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kProbePause{250};
constexpr std::size_t kLongestStatus = 256;
constexpr std::size_t kLongestReason = 1'024;
constexpr std::int64_t kLongestExtension = 86'400'000;  // ms

}  // namespace

Daemon::Daemon(Shop& shop, Record record, std::filesystem::path folder)
    : shop_(shop),
      record_(std::move(record)),
      folder_(std::move(folder)),
      backoff_(record_.spec.restart),
      pause_(shop.context.loop, [this] { bring_up(); }),
      probe_pause_(shop.context.loop, [this] { ask_whether_ready(); }),
      patience_(shop.context.loop,
                [this] { record_.spec.ready.by == wire::ReadyBy::delay ? ready() : not_ready(); }),
      healthy_(shop.context.loop,
               [this] {
                 backoff_.forget();
                 set_crash_loop(false);
               }),
      told_(shop.context.loop, [this] { told_of_(); }) {}

void Daemon::enter(State state, std::string reason) {
  state_ = state;
  reason_ = std::move(reason);
  since_ = shop_.context.clock.now();
  shop_.changed(*this, wire::DaemonEvent::Type::state);
}

void Daemon::adopt() {
  adopting_ = true;
  state_ = State::starting;
  reason_ = "is looked for";
  run_ = shop_.make_run(*this, listener());
  run_->adopt();
}

void Daemon::want(bool up) {
  failures_ = 0;
  came_up_ = false;
  if (record_.wanted != up || !record_.ended_in_boot.empty()) {
    record_.wanted = up;
    record_.ended_in_boot.clear();
    shop_.keep(*this);
  }
  if (up) {
    backoff_.forget();
    if (!run_) {
      bring_up();
    }
    return;
  }
  pause_.stop();
  stop_looking();
  set_crash_loop(false);
  if (!run_) {
    enter(State::stopped, "");
  } else {
    bring_down("");
  }
}

// Those that need it go first.
void Daemon::bring_down(const std::string& why) {
  if (run_->ending()) {
    return;
  }
  const auto held = shop_.holds_down(*this);
  const auto& reason = held.empty() ? why : held;
  if (state_ != State::stopping || reason_ != reason) {
    enter(State::stopping, reason);
  }
  if (held.empty()) {
    run_->end();
  }
}

void Daemon::hold(const std::string& why) {
  if (run_ && state_ != State::stopping) {
    stop_looking();
    bring_down(why);
  }
}

// Whether it is ready, and well.
void Daemon::stop_looking() {
  patience_.stop();
  healthy_.stop();
  probe_pause_.stop();
  probe_.reset();
  health_.reset();
}

void Daemon::restart() {
  want(true);
  if (run_) {
    stop_looking();
    bring_down("is started anew");
  }
}

void Daemon::become(const wire::DaemonSpec& spec, const std::string& file) {
  if (!file.empty()) {
    record_.file = file;
  }
  if (record_.spec == spec) {
    shop_.keep(*this);
    return want(true);
  }
  if (run_ && !record_.old) {
    record_.old = std::move(record_.spec);
  }
  record_.spec = spec;
  ++record_.version;
  record_.wanted = true;
  applying_ = true;
  went_back_ = false;
  backoff_ = Backoff(spec.restart);
  shop_.keep(*this);
  restart();
}

void Daemon::look_again() {
  if (state_ == State::waiting) {
    bring_up();
  } else if (run_ && (state_ == State::stopping || for_now_)) {
    bring_down(for_now_ ? "the agent ends" : "");
  }
}

void Daemon::end_for_now() {
  for_now_ = true;
  pause_.stop();
  stop_looking();
}

Result<void> Daemon::signal(int signal) const {
  return run_ ? run_->signal(signal) : failure(ErrorCode::not_found, "it does not run");
}

void Daemon::bring_up() {
  if (run_ || !record_.wanted || for_now_) {
    return;
  }
  pause_.stop();
  const auto held_up = shop_.holds_up(*this);
  lacks_another_ = held_up && held_up->by_lack;
  if (!held_up) {
    start();
  } else if (state_ != State::waiting || reason_ != held_up->why) {
    enter(State::waiting, held_up->why);
  }
}

void Daemon::start() {
  adopting_ = false;
  ready_late_ = false;
  unwell_.clear();
  told_.stop();
  status_.clear();
  last_error_.reset();
  run_ = shop_.make_run(*this, listener());
  enter(State::starting, "");
  run_->start();
}

Run::Listener Daemon::listener() {
  return {[this](pid_t pid) { started(pid); },
          [this] { ready(); },
          [this](std::string_view line) { notified(line); },
          [this](const wire::DaemonExit& exit, const std::optional<Error>& error) {
            ended(exit, error);
          },
          [this] { gone(); },
          [this] { again(); },
          [this](const std::string& why) { unsure(why); }};
}

void Daemon::started(pid_t) {
  up_since_ = shop_.context.clock.steady();
  if (run_->ending()) {
    return;
  }
  if (!record_.wanted || record_.old) {  // it was not to be found running
    return bring_down(record_.old ? "is started anew" : "");
  }
  const auto& how_ready = record_.spec.ready;
  const bool says_itself =
      how_ready.by == wire::ReadyBy::notify || how_ready.by == wire::ReadyBy::descriptor;
  const bool is_asked = how_ready.by == wire::ReadyBy::tcp || how_ready.by == wire::ReadyBy::http;
  if (says_itself) {
    patience_.start(how_ready.timeout);
  } else if (is_asked) {
    patience_.start(how_ready.timeout);
    ask_whether_ready();
  } else if (how_ready.by == wire::ReadyBy::delay && !adopting_) {
    patience_.start(how_ready.delay);
  } else {
    ready();
  }
}

void Daemon::ready() {
  if (!run_ || run_->ending() || !record_.wanted || record_.old || for_now_ ||
      state_ == State::ready || state_ == State::unhealthy) {
    return;
  }
  stop_looking();
  applying_ = false;
  came_up_ = true;
  failures_ = 0;
  if (record_.good != record_.spec) {
    record_.good = record_.spec;
    shop_.keep(*this);
  }
  healthy_.start(record_.spec.restart.reset);
  enter(State::ready, adopting_ ? "runs since before this agent" : "");
  begin_health();
}

// Until it answers, or has had its time.
void Daemon::ask_whether_ready() {
  const auto& how_ready = record_.spec.ready;
  wire::DaemonCheck check;
  check.by =
      how_ready.by == wire::ReadyBy::tcp ? wire::DaemonCheck::By::tcp : wire::DaemonCheck::By::http;
  check.address = how_ready.address;
  check.url = how_ready.url;
  check.timeout = how_ready.timeout;
  probe_ = std::make_unique<Probe>(shop_.context, check, [this](const Result<void>& result) {
    result ? ready() : probe_pause_.start(kProbePause);
  });
}

// Of a unit the watchdog is systemd's.
void Daemon::begin_health() {
  auto checks = record_.spec.health;
  if (!shop_.unit(*this).empty()) {
    std::erase_if(checks, [](const wire::DaemonCheck& check) {
      return check.by == wire::DaemonCheck::By::watchdog;
    });
  }
  if (!checks.empty()) {
    health_ = std::make_unique<Health>(
        shop_.context,
        checks,
        Health::Listener{[this](const std::string& why) { not_well(why); },
                         [this](const std::string& why) {
                           enter(why.empty() ? State::ready : State::unhealthy, why);
                         }});
  }
}

void Daemon::not_well(const std::string& why) {
  unwell_ = "is not well: " + why;
  stop_looking();
  enter(State::stopping, unwell_);
  run_->end();
}

// sd_notify(3)
void Daemon::notified(std::string_view line) {
  constexpr std::string_view kStatus = "STATUS=";
  constexpr std::string_view kExtend = "EXTEND_TIMEOUT_USEC=";
  if (line.starts_with(kStatus)) {
    status_ = line.substr(kStatus.size(), kLongestStatus);
  } else if (line == "WATCHDOG=1" && health_) {
    health_->fed();
  } else if (line == "WATCHDOG=trigger" && health_) {
    health_->triggered();
  } else if (line.starts_with(kExtend) && patience_.active()) {
    std::int64_t us = 0;
    std::from_chars(line.data() + kExtend.size(), line.data() + line.size(), us);
    patience_.start(milliseconds(std::clamp<std::int64_t>(us / 1'000, 1, kLongestExtension)));
  }
}

void Daemon::not_ready() {
  ready_late_ = true;
  enter(State::stopping, "was not ready in time");
  run_->end();
}

wire::DaemonRow Daemon::row() const {
  wire::DaemonRow row;
  row.name = name();
  row.state = state_;
  row.reason = reason_.substr(0, kLongestReason);
  row.wanted = record_.wanted;
  row.version = record_.version;
  row.pid = pid();
  row.restarts = restarts_;
  row.since = since_;
  row.status = status_;
  row.unit = unit();
  row.last_exit = last_exit_;
  return row;
}

}  // namespace steward::handlers::daemon
