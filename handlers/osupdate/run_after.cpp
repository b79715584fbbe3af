// What comes behind an update: services that run what was replaced, a reboot, for which the station
// may have to give its leave, and whether the unit is well.

#include "handlers/osupdate/run.hpp"
#include "handlers/osupdate/stale.hpp"
#include "handlers/runtime/boot_id.hpp"

#include <fnmatch.h>
#include <sys/utsname.h>

#include <algorithm>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using std::chrono::milliseconds;
using wire::UpdateEvent;
using Policy = wire::UpdateReboot::Policy;

constexpr milliseconds kRestartPatience{300'000};
constexpr milliseconds kTellPatience{60'000};  // for the machine to take the order to reboot
constexpr milliseconds kRebootPatience{900'000};
constexpr milliseconds kHealthPause{5'000};
constexpr milliseconds kLeasePause{30'000};         // until the window is looked at again
constexpr milliseconds kTellLeaseAgain{3'600'000};  // a station may have lost what it was told

std::string kernel() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "";
}

}  // namespace

void Run::installed(wire::UpdateOutcome outcome) {
  record_.good = std::move(outcome);
  if (record_.request.op == wire::UpdateRun::Op::download) {
    return conclude_good();
  }
  record_.own.empty() ? come_behind() : await_own();
}

void Run::come_behind() {
  if (record_.request.op == wire::UpdateRun::Op::reboot || record_.plan.hash.empty()) {
    return await_reboot();
  }
  restart_services();
}

// Each at most once: one that was started anew runs what is there now.
void Run::restart_services() {
  auto& good = *record_.good;
  good.stale = stale_services(shop_.proc);
  std::vector<std::string> allowed;
  const auto& globs = record_.request.restart;
  std::copy_if(good.stale.begin(),
               good.stale.end(),
               std::back_inserter(allowed),
               [&globs](const std::string& service) {
                 return std::any_of(globs.begin(), globs.end(), [&service](const auto& glob) {
                   const auto whole = glob.ends_with(".service") ? glob : glob + ".service";
                   return ::fnmatch(whole.c_str(), service.c_str(), 0) == 0;
                 });
               });
  if (allowed.empty()) {
    return await_reboot();
  }
  if (!enter(Phase::services)) {
    return;
  }
  auto words = shop_.systemctl;
  words.insert(words.end(), {"try-restart", "--"});
  words.insert(words.end(), allowed.begin(), allowed.end());
  look_ = std::make_unique<Look>(shop_.context,
                                 shop_.driver,
                                 std::move(words),
                                 kRestartPatience,
                                 [this, allowed](const Result<std::string>& said) {
                                   auto& end = *record_.good;
                                   if (!said) {
                                     end.message =
                                         "services were not started anew: " + said.error().message;
                                   } else {
                                     end.restarted = allowed;
                                     end.stale = stale_services(shop_.proc);
                                   }
                                   await_reboot();
                                 });
}

bool Run::wants_reboot() const {
  const auto policy = record_.request.reboot.policy;
  return policy == Policy::always ||
         (policy == Policy::if_required && shop_.driver.reboot_required());
}

void Run::await_reboot() {
  const auto& request = record_.request;
  if (!wants_reboot()) {
    return request.health.argv.empty() ? conclude_good() : verify();
  }
  if (!enter(Phase::reboot_pending)) {
    return;
  }
  tell(UpdateEvent::Type::phase,
       "reboots in " + std::to_string(request.reboot.delay.count() / 1'000) + " s");
  await_window([this] { reboot_.start(record_.request.reboot.delay); });
}

// The delay may have taken all of the window. Each agent tells it anew.
void Run::await_lease() {
  if (!window_.is_open(shop_.context.clock.now())) {
    return await_reboot();
  }
  record_.boot = runtime::boot_id(shop_.boot_id);
  record_.good->kernel_before = kernel();
  if (!enter(Phase::lease_wait)) {
    return;
  }
  waits_for_ = "the station's lease for its reboot";
  lease_told_ = shop_.context.clock.steady();
  lease_.start(kLeasePause);
}

// Somebody else may have rebooted the machine meanwhile.
void Run::adopt_lease() {
  if (runtime::boot_id(shop_.boot_id) != record_.boot) {
    record_.good->rebooted = true;
    record_.good->kernel_after = kernel();
    return verify();
  }
  wants_reboot() ? await_lease() : await_reboot();
}

void Run::look_at_lease() {
  const auto now = shop_.context.clock.steady();
  if (!window_.is_open(shop_.context.clock.now())) {
    return await_reboot();  // what it tells gives its turn to others
  }
  if (now - lease_told_ >= kTellLeaseAgain) {
    lease_told_ = now;
    tell(UpdateEvent::Type::phase);
  }
  lease_.start(kLeasePause);
}

Result<void> Run::grant() {
  const auto phase = record_.phase;
  if (phase == Phase::rebooting || phase == Phase::verifying) {
    return {};
  }
  if (phase != Phase::lease_wait || concluded_) {
    return failure(ErrorCode::conflict,
                   "it waits for no lease: it is at " + std::string(wire::word(phase)));
  }
  if (!window_.is_open(shop_.context.clock.now())) {
    lease_.start(milliseconds(0));
    return failure(ErrorCode::conflict, "its window is closed by now");
  }
  lease_.stop();
  waits_for_.clear();
  next_ = [this] { reboot(); };
  later_.start(milliseconds(0));
  return {};
}

// Called once more when the machine has had its time to; with a lease, also before it is asked for.
void Run::reboot() {
  if (record_.phase == Phase::rebooting) {
    return conclude_bad({ErrorCode::timed_out, "it was told to reboot, and has not"});
  }
  if (record_.request.reboot.lease && record_.phase != Phase::lease_wait) {
    return await_lease();
  }
  record_.boot = runtime::boot_id(shop_.boot_id);
  record_.good->kernel_before = kernel();
  if (!enter(Phase::rebooting)) {
    return;
  }
  auto words = shop_.systemctl;
  words.emplace_back("reboot");
  look_ = std::make_unique<Look>(
      shop_.context,
      shop_.driver,
      std::move(words),
      kTellPatience,
      [this](const Result<std::string>& said) {
        if (!said) {
          conclude_bad({ErrorCode::exec_failed, "it cannot be rebooted: " + said.error().message});
        } else {
          reboot_.start(kRebootPatience);
        }
      });
}

void Run::await_boot() {
  if (runtime::boot_id(shop_.boot_id) != record_.boot) {
    verify();
  } else {
    reboot_.start(kRebootPatience);
  }
}

void Run::verify() {
  if (record_.phase == Phase::rebooting) {
    record_.good->rebooted = true;
    record_.good->kernel_after = kernel();
  }
  if (!enter(Phase::verifying)) {
    return;
  }
  verifies_since_ = shop_.context.clock.steady();
  look_at_health();
}

// Asked again until its time is over: what has just started may need a while.
void Run::look_at_health() {
  const auto state = shop_.driver.state();
  if (!state || !state->is_whole()) {
    record_.good->needs_help = true;
    return conclude_bad(state ? Error{ErrorCode::exec_failed, "packages are half installed"}
                              : state.error());
  }
  const auto& health = record_.request.health;
  if (health.argv.empty()) {
    return conclude_good();
  }
  look_ = std::make_unique<Look>(
      shop_.context,
      shop_.driver,
      health.argv,
      health.timeout,
      [this](const Result<std::string>& said) {
        const auto taken = shop_.context.clock.steady() - verifies_since_;
        if (said) {
          conclude_good();
        } else if (taken + kHealthPause < record_.request.health.timeout) {
          health_.start(kHealthPause);
        } else {
          conclude_bad({ErrorCode::exec_failed, "the unit is not well: " + said.error().message});
        }
      });
}

void Run::conclude_good(std::string message) {
  auto end = *record_.good;
  end.ended = shop_.context.clock.now();
  end.reboot_required = shop_.driver.reboot_required();
  if (!message.empty()) {
    end.message = std::move(message);
  }
  conclude(std::move(end));
}

// What was installed stays so, and stands in the outcome.
void Run::conclude_bad(Error error) {
  record_.good->state = Phase::failed;
  record_.good->code = std::string(steward::word(error.code));
  conclude_good(std::move(error.message));
}

}  // namespace steward::handlers::osupdate
