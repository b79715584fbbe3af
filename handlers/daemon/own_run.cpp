#include "handlers/daemon/own_run.hpp"

#include "handlers/daemon/health.hpp"
#include "handlers/runtime/shim_output.hpp"
#include "handlers/runtime/signal_names.hpp"
#include "subjects/wire/fnv.hpp"

#include <signal.h>

#include <algorithm>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kSegments = 16;
constexpr std::size_t kLastLines = 20;
constexpr std::size_t kLastBytes = 4'096;
constexpr milliseconds kLeftoverPause{200};
constexpr milliseconds kLeftoverGrace{2'000};

std::vector<std::string> environment(const wire::DaemonSpec& spec,
                                     const runtime::Account& account,
                                     const std::string& job) {
  auto variables = runtime::clean_environment(account);
  for (const auto& [name, value] : spec.env) {
    variables[name] = value;
  }
  variables["STEWARD_JOB"] = job;
  return runtime::environment_lines(variables);
}

std::uint64_t hash_of(const std::string& text) {
  wire::Fnv hash;
  hash.bytes(text);
  return hash.value();
}

}  // namespace

// By its folder, so that no other agent's daemon of that name is meant.
OwnRun::OwnRun(runtime::Context& context,
               const wire::DaemonSpec& spec,
               std::filesystem::path folder,
               std::string shim,
               const runtime::CgroupRoot* cgroups,
               Listener listener)
    : context_(context),
      spec_(spec),
      folder_(std::move(folder)),
      job_("daemon-" + spec.name + "-" + wire::hex(hash_of(folder_.string()))),
      program_(std::move(shim)),
      cgroups_(cgroups),
      listener_(std::move(listener)),
      leftovers_(context.loop, [this] { shim_->kill_tree({.grace = kLeftoverGrace}, nullptr); }),
      alive_(std::make_shared<OwnRun*>(this)) {}

// Name services may go to the network.
void OwnRun::start() {
  struct Answer {
    Result<runtime::Account> account = failure(ErrorCode::internal, "");
  };

  auto answer = std::make_shared<Answer>();
  context_.loop.work(
      [answer, user = spec_.user, group = spec_.group] {
        answer->account = user.empty() && group.empty() ? runtime::own_account()
                                                        : runtime::find_account(user, group);
      },
      [answer, alive = std::weak_ptr<OwnRun*>(alive_)] {
        if (const auto run = alive.lock()) {
          answer->account ? (*run)->launch(*answer->account)
                          : (*run)->fail(answer->account.error());
        }
      });
}

void OwnRun::launch(const runtime::Account& account) {
  auto limits = runtime::plan_limits(spec_.limits, cgroups_, job_, account.identity.uid);
  runtime::ShimRequest request;
  request.process.argv = spec_.argv;
  request.process.env = environment(spec_, account, job_);
  request.process.cwd = spec_.cwd;
  request.process.job = job_;
  if (!spec_.user.empty() || !spec_.group.empty()) {
    request.process.identity = account.identity;
  }
  if (spec_.umask) {
    request.process.umask = static_cast<mode_t>(*spec_.umask);
  }
  request.process.limits = std::move(limits.resources);
  request.process.nice = limits.nice;
  if (limits.group) {
    group_.emplace(*std::move(limits.group));
    request.cgroup = group_->path();
  }
  request.folder = folder_;
  request.merge = true;
  const auto silence = watchdog_of(spec_);
  request.notify = spec_.ready.by == wire::ReadyBy::notify || silence;
  if (silence) {
    request.process.env.push_back("WATCHDOG_USEC=" +
                                  std::to_string(std::chrono::microseconds(*silence).count()));
  }
  request.ready_fd =
      spec_.ready.by == wire::ReadyBy::descriptor ? static_cast<int>(spec_.ready.fd) : -1;
  request.keep_bytes = static_cast<std::int64_t>(spec_.log_bytes);
  request.segment_bytes = request.keep_bytes / kSegments;
  auto started =
      runtime::Shim::start(context_.loop, context_.processes, program_, request, shim_listener());
  if (!started) {
    return fail(started.error());
  }
  shim_ = *std::move(started);
}

void OwnRun::fail(const Error& error) {
  const std::weak_ptr<OwnRun*> living(alive_);
  never_ran(error);
  if (!living.expired()) {
    listener_.gone();
  }
}

void OwnRun::never_ran(const Error& error) {
  const auto now = context_.clock.now();
  listener_.ended({.started = now, .ended = now, .signal = "", .last_log = ""}, error);
}

// An end without a start was being forgotten when the agent before this one died: it was told.
void OwnRun::adopt() {
  if (runtime::shim_has_ended(folder_) && !runtime::shim_started(folder_)) {
    runtime::forget_shim_end(folder_);
  }

  shim_ = runtime::Shim::adopt(context_.loop, folder_, job_, shim_listener());
}

runtime::Shim::Listener OwnRun::shim_listener() {
  return {[this](pid_t pid) {
            if (ending_) {  // that was asked for while it was being started
              end();
            }
            listener_.started(pid);
          },
          [this](const Error& error) { never_ran(error); },
          [this] { listener_.ready(); },
          [this](std::string_view line) { listener_.notified(line); },
          nullptr,
          [this](const runtime::ShimEnd& end) { exited(end); },
          [this] { listener_.gone(); },
          [this] { lost(); }};
}

// An end at this moment, of which no more is known.
wire::DaemonExit OwnRun::end_now() const {
  const auto now = context_.clock.now();
  return {.started = runtime::shim_started(folder_).value_or(now),
          .ended = now,
          .signal = "",
          .last_log = ""};
}

// What it leaves behind would be in the way of the next run.
void OwnRun::exited(const runtime::ShimEnd& end) {
  auto exit = end_now();
  exit.ended = end.at;
  if (end.status.code) {
    exit.exit_code = *end.status.code;
  } else {
    exit.signal = runtime::signal_name(end.status.signal);
    exit.core_dumped = end.status.core_dumped;
  }
  exit.last_log = runtime::last_shim_lines(folder_, 1, kLastLines, kLastBytes);
  if (!ending_) {
    leftovers_.start(kLeftoverPause);
  }
  listener_.ended(exit, std::nullopt);
}

// No shim, and nothing that says how it ended: it never ran, or shim or machine went down.
void OwnRun::lost() {
  if (!runtime::shim_started(folder_)) {
    listener_.gone();
    return;
  }
  const std::weak_ptr<OwnRun*> living(alive_);
  listener_.ended(end_now(),
                  Error{ErrorCode::forgotten, "its shim is gone: how it ended is not known"});
  if (living.expired()) {
    return;
  }
  shim_->kill_tree({.grace = kLeftoverGrace},
                   [this](runtime::KillStep step, const runtime::TreeReport&) {
                     if (step == runtime::KillStep::gone || step == runtime::KillStep::unkillable) {
                       runtime::forget_shim_end(folder_);
                       listener_.gone();
                     }
                   });
}

Result<void> OwnRun::signal(int signal) {
  if (!shim_) {
    return failure(ErrorCode::not_found, "it does not run");
  }
  return shim_->signal(signal);
}

std::function<void()> OwnRun::told() const {
  return [folder = folder_] { runtime::forget_shim_end(folder); };
}

void OwnRun::end() {
  ending_ = true;
  if (pid() != 0) {
    shim_->kill_tree({.grace = spec_.stop.grace,
                      .signal = runtime::signal_number(spec_.stop.signal).value_or(SIGTERM)},
                     nullptr);
  }
}

}  // namespace steward::handlers::daemon
