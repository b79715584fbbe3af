#include "handlers/daemon/unit_run.hpp"

#include "handlers/runtime/kept_file.hpp"
#include "handlers/runtime/signal_names.hpp"

#include <signal.h>

#include <array>
#include <string_view>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds kSilence{10'000};        // of systemd, before a start is given up
constexpr milliseconds kStopPatience{300'000};  // units have a limit of their own, mostly 90 s

wire::Timestamp time_of(std::int64_t us) { return wire::Timestamp(microseconds(us)); }

// Results of systemd that say more than how the process ended.
std::string cause_of(const std::string& result) {
  constexpr std::array<std::string_view, 5> kPlain{
      "", "success", "exit-code", "signal", "core-dump"};
  for (const auto plain : kPlain) {
    if (result == plain) {
      return "";
    }
  }
  return result;
}

}  // namespace

std::string unit_of(const wire::DaemonSpec& spec) {
  return spec.unit.empty() ? "steward-" + spec.name + ".service" : spec.unit;
}

UnitRun::UnitRun(runtime::Context& context,
                 Units& units,
                 const wire::DaemonSpec& spec,
                 const std::filesystem::path& folder,
                 Listener listener)
    : context_(context),
      units_(units),
      spec_(spec),
      unit_(unit_of(spec)),
      told_(folder / "told"),
      listener_(std::move(listener)),
      silence_(context.loop, [this] { silent(); }),
      retry_(context.loop, [this] { stop(); }),
      alive_(std::make_shared<UnitRun*>(this)) {}

UnitRun::~UnitRun() = default;

void UnitRun::watch(Stage stage) {
  stage_ = stage;
  silence_.start(kSilence);
  watch_ = units_.watch(unit_,
                        {[this](const UnitState& state) { seen(state); },
                         [this](const std::string& why) {
                           unsure_ = true;
                           listener_.unsure(why);
                         }});
}

void UnitRun::start() { watch(Stage::before_start); }

void UnitRun::adopt() { watch(Stage::adopting); }

// It may run: only a start is given up.
void UnitRun::silent() {
  if (stage_ == Stage::before_start) {
    give_up({ErrorCode::unavailable, "systemd does not answer: " + units_.trouble()});
  } else if (stage_ == Stage::adopting) {
    unsure_ = true;
    listener_.unsure(units_.trouble());
  }
}

void UnitRun::seen(const UnitState& state) {
  silence_.stop();
  const auto before = std::exchange(state_, state);
  const std::weak_ptr<UnitRun*> alive(alive_);
  if (std::exchange(unsure_, false)) {
    listener_.unsure("");
  }
  if (!alive.expired() && state.status != before.status) {
    listener_.notified("STATUS=" + state.status);
  }
  if (alive.expired()) {
    return;
  }
  switch (stage_) {
    case Stage::before_start:
      state.up() ? follow() : launch();
      break;
    case Stage::adopting:
      found();
      break;
    case Stage::starting:
    case Stage::over:
      break;
    case Stage::followed:
      evaluate();
      break;
  }
}

void UnitRun::follow() {
  stage_ = Stage::followed;
  evaluate();
}

void UnitRun::found() {
  if (!state_.down()) {
    return follow();
  }
  stage_ = Stage::over;
  const std::weak_ptr<UnitRun*> alive(alive_);
  if (state_.ended_us != 0 && !already_told()) {
    listener_.ended(exit(), std::nullopt);
  }
  if (!alive.expired()) {
    listener_.gone();
  }
}

// What an earlier run has left (a failure, the end of a transient unit) is cleared away first.
void UnitRun::launch() {
  stage_ = Stage::starting;
  const auto guarded = [alive = std::weak_ptr<UnitRun*>(alive_)](auto then) {
    return [alive, then](const auto& result) {
      if (!alive.expired()) {
        then(result);
      }
    };
  };
  const auto start = guarded([this, guarded](const Result<void>&) {
    auto done = guarded([this](const Result<std::string>& result) { job_ended(result); });
    if (transient()) {
      units_.start_transient(unit_, spec_, std::move(done));
    } else {
      units_.job(Units::Job::start, unit_, spec_.ready.timeout, std::move(done));
    }
  });
  const auto reset = guarded([this, start](const auto&) { units_.reset_failed(unit_, start); });
  if (transient() && state_.load == "loaded") {
    units_.job(Units::Job::stop, unit_, kStopPatience, reset);
  } else {
    reset(0);
  }
}

void UnitRun::job_ended(const Result<std::string>& result) {
  if (!result && result.error().code == ErrorCode::timed_out) {
    units_.job(Units::Job::stop, unit_, kStopPatience, [](const Result<std::string>&) {});
    return give_up({ErrorCode::timed_out, "was not ready in time"});
  }
  if (!result) {
    return give_up(result.error());
  }
  if (*result != "done" && !state_.restarts_itself() && state_.exit_code == 0) {
    const auto& why = state_.load == "loaded" ? *result : state_.load;
    return give_up({ErrorCode::exec_failed, "systemd does not start it: " + why});
  }
  stage_ = Stage::followed;
  if (ending_) {
    return stop();
  }
  evaluate();
}

void UnitRun::evaluate() {
  if (state_.up()) {
    const bool ended_unseen = up_ && state_.restarts > restarts_seen_;
    if (ended_unseen) {
      started_again();
    } else if (!up_) {
      came_up();
    }
  } else if (state_.restarts_itself() && !again_) {
    started_again();
  } else if (state_.down()) {
    conclude();
  }
}

void UnitRun::came_up() {
  up_ = true;
  again_ = false;
  restarts_seen_ = state_.restarts;
  const std::weak_ptr<UnitRun*> alive(alive_);
  listener_.started(pid());
  if (!alive.expired() && spec_.ready.by != wire::ReadyBy::delay && !ending_) {
    listener_.ready();
  }
}

void UnitRun::started_again() {
  up_ = false;
  again_ = true;
  restarts_seen_ = state_.restarts;
  const std::weak_ptr<UnitRun*> alive(alive_);
  tell_end();
  if (!alive.expired() && !ending_) {
    listener_.again();
  }
  if (!alive.expired() && state_.up()) {
    came_up();
  }
}

void UnitRun::conclude() {
  stage_ = Stage::over;
  up_ = false;
  if (transient()) {
    units_.job(Units::Job::stop, unit_, kStopPatience, [](const Result<std::string>&) {});
  }
  const std::weak_ptr<UnitRun*> alive(alive_);
  tell_end();
  if (!alive.expired()) {
    listener_.gone();
  }
}

// Each end once: past its start limit systemd shows the last one again.
void UnitRun::tell_end() {
  if (state_.ended_us == 0 || std::exchange(last_told_us_, state_.ended_us) != state_.ended_us) {
    listener_.ended(exit(), std::nullopt);
  }
}

// It was never executed, as far as is known.
void UnitRun::give_up(const Error& error) {
  stage_ = Stage::over;
  const auto now = context_.clock.now();
  const std::weak_ptr<UnitRun*> alive(alive_);
  listener_.ended({.started = now, .ended = now, .signal = "", .last_log = "", .cause = ""}, error);
  if (!alive.expired()) {
    listener_.gone();
  }
}

wire::DaemonExit UnitRun::exit() const {
  wire::DaemonExit exit;
  exit.ended = state_.ended_us == 0 ? context_.clock.now() : time_of(state_.ended_us);
  exit.started = state_.started_us == 0 ? exit.ended : time_of(state_.started_us);
  if (state_.exit_code == CLD_EXITED) {
    exit.exit_code = state_.exit_status;
  } else if (state_.exit_code != 0) {
    exit.signal = runtime::signal_name(static_cast<int>(state_.exit_status));
    exit.core_dumped = state_.exit_code == CLD_DUMPED;
  }
  exit.cause = cause_of(state_.result);
  return exit;
}

bool UnitRun::already_told() const {
  const auto told = runtime::load_kept(told_);
  return told && *told && **told == std::to_string(state_.ended_us);
}

std::function<void()> UnitRun::told() const {
  return [file = told_, text = std::to_string(state_.ended_us)] {
    std::ignore = runtime::save_kept(file, text);
  };
}

Result<void> UnitRun::signal(int signal) {
  if (!up_) {
    return failure(ErrorCode::not_found, "it does not run");
  }
  units_.kill(unit_, signal, [log = context_.log, unit = unit_](const Result<void>& sent) mutable {
    if (!sent) {
      log.warning(unit + " did not get its signal: " + sent.error().message);
    }
  });
  return {};
}

void UnitRun::end() {
  ending_ = true;
  if (stage_ == Stage::followed) {
    stop();
  }
}

// What became of a stop that was not answered is seen by its state.
void UnitRun::stop() {
  units_.job(Units::Job::stop,
             unit_,
             kStopPatience,
             [this, alive = std::weak_ptr<UnitRun*>(alive_)](const Result<std::string>& result) {
               if (!alive.expired() && !result && stage_ == Stage::followed) {
                 context_.log.warning(unit_ + " is not stopped: " + result.error().message);
                 retry_.start(kSilence);
               }
             });
}

}  // namespace steward::handlers::daemon
