#include "handlers/osupdate/run.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::osupdate {
namespace {

using std::chrono::milliseconds;
using wire::UpdateEvent;
using wire::UpdatePhase;

constexpr milliseconds kLookPatience{300'000};
constexpr int kMostBegun = 5;
constexpr std::int64_t kSpareBytes = 16 << 20;
constexpr std::size_t kMostNamed = 10;

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) {
    text.append(text.empty() ? "" : ", ").append(names[i]);
  }
  return names.size() > kMostNamed
             ? text + " and " + std::to_string(names.size() - kMostNamed) + " more"
             : text;
}

Result<void> check_room(const wire::UpdatePlan& plan, const Driver& driver) {
  const auto room = driver.room();
  const auto lacks = [](const char* where, std::int64_t needed, std::int64_t there) {
    return failure(ErrorCode::no_space,
                   std::string(where) + " needs " + std::to_string(needed) + " bytes, " +
                       std::to_string(there) + " are free");
  };
  const auto archives = plan.download_bytes + kSpareBytes;
  const auto system = std::max<std::int64_t>(plan.disk_bytes, 0) + kSpareBytes;
  const bool kernel =
      std::any_of(plan.packages.begin(), plan.packages.end(), [&driver](const auto& package) {
        return driver.is_kernel(package.name);
      });
  if (room.archives < archives) {
    return lacks("the folder of archives", archives, room.archives);
  }
  if (room.system < system) {
    return lacks("the system", system, room.system);
  }
  if (kernel && room.boot < room.kernel) {
    return lacks("/boot", room.kernel, room.boot);
  }
  return {};
}

}  // namespace

Run::Run(Shop& shop, Record record, Window window)
    : shop_(shop),
      record_(std::move(record)),
      window_(std::move(window)),
      reader_([this](std::string_view line) {
        if (const auto progress = shop_.driver.progress(line)) {
          take(*progress);
        }
      }),
      opening_(shop.context.loop, [this] { look_at_window(); }),
      reboot_(shop.context.loop, [this] { reboot(); }),
      own_(shop.context.loop, [this] { await_own(); }),
      lease_(shop.context.loop, [this] { look_at_lease(); }),
      health_(shop.context.loop, [this] { look_at_health(); }),
      lock_(shop.context.loop, [this] { look_at_lock(); }),
      settle_(shop.context.loop, [this] { settle(); }),
      stall_(shop.context.loop,
             [this] { tell(UpdateEvent::Type::stalled, "it has said nothing for a long time"); }),
      progress_(shop.context.loop, [this] { tell_progress(); }),
      later_(shop.context.loop, [this] { std::exchange(next_, nullptr)(); }) {}

Run::~Run() = default;

void Run::tell(UpdateEvent::Type type, std::string text) {
  UpdateEvent event;
  event.type = type;
  event.id = record_.id;
  event.phase = record_.phase;
  event.percent = percent_;
  event.package = package_;
  event.text = std::move(text);
  shop_.tell(event);
}

// What is not on disk is not entered: the next agent would not know of it. What was installed by
// then is told all the same.
bool Run::save() {
  if (auto saved = shop_.records.save(record_); !saved) {
    auto error = std::move(saved).error();
    error.message = "its state cannot be written down: " + error.message;
    shop_.context.log.error("the update cannot go on: " + error.message);
    record_.installs > 0 && !record_.good ? finish(error) : fail(std::move(error));
    return false;
  }
  return true;
}

bool Run::enter(Phase phase) {
  record_.phase = phase;
  percent_ = 0;
  package_.clear();
  progress_.stop();
  if (!save()) {
    return false;
  }
  tell(UpdateEvent::Type::phase);
  return true;
}

void Run::begin(std::optional<wire::UpdateOutcome> earlier) {
  earlier_ = std::move(earlier);
  if (record_.request.op == wire::UpdateRun::Op::reboot) {
    return installed(outcome(Phase::done));
  }
  begin_again();
}

void Run::begin_again() {
  if (++record_.begun > kMostBegun) {
    return fail({ErrorCode::handler_crashed, "it was begun again and again, and never got far"});
  }
  if (!enter(Phase::planning)) {
    return;
  }
  const auto state = shop_.driver.state();
  if (!state) {
    return fail(state.error());
  }
  if (record_.request.op != wire::UpdateRun::Op::download && !state->is_whole()) {
    return await_window([this] {
      await_lock(record_.request.lock_wait, [this] { prepare([this] { repair(); }); });
    });
  }
  make_plan();
}

void Run::take_up() {
  shim_ = runtime::Shim::adopt(shop_.context.loop, step_folder(), job(), listener());
  reader_.begin(step_folder());
  stall_.start(shop_.stall);
}

void Run::adopt(std::optional<wire::UpdateOutcome> earlier) {
  earlier_ = std::move(earlier);
  switch (record_.phase) {
    case Phase::downloading:
    case Phase::applying:
    case Phase::repairing:
      return take_up();
    case Phase::services:
      return restart_services();
    case Phase::reboot_pending:
      return await_reboot();
    case Phase::lease_wait:
      return adopt_lease();
    case Phase::rebooting:
      return await_boot();
    case Phase::verifying:
      return verify();
    case Phase::waiting_window:
      --record_.begun;  // it may be days away
      [[fallthrough]];
    default:
      next_ = [this] { begin_again(); };
      later_.start(milliseconds(0));
  }
}

void Run::make_plan() {
  Ask ask{record_.request.choice, {}};
  if (earlier_) {
    const auto state = shop_.driver.state();
    if (!state) {
      return fail(state.error());
    }
    for (const auto& package : earlier_->packages) {
      const auto there = state->packages.find(package.name);
      if (package.from.empty() || there == state->packages.end() ||
          there->second.version == package.from) {
        continue;
      }
      ask.exact.push_back({package.name,
                           there->second.version,
                           package.from,
                           shop_.driver.archive_of(package.name, package.from),
                           false,
                           0});
    }
  }
  auto done = [this](Result<wire::UpdatePlan> plan) {
    if (!plan) {
      return fail(std::move(plan).error());
    }
    planned(*std::move(plan));
  };
  if (earlier_ && ask.exact.empty()) {
    return planned({});
  }
  plan_look_ = std::make_unique<PlanLook>(shop_.context,
                                          shop_.driver,
                                          std::move(ask),
                                          shop_.folder,
                                          PlanLook::Sizes::asked,
                                          std::move(done));
}

Result<void> Run::check(const wire::UpdatePlan& plan) const {
  const auto& request = record_.request;
  if (!request.plan_hash.empty() && request.plan_hash != plan.hash) {
    return failure(ErrorCode::conflict, "the plan is another one by now: " + plan.hash);
  }
  if (!plan.essential.empty()) {
    return failure(ErrorCode::conflict,
                   "the system needs what would be removed: " + list_of(plan.essential));
  }
  if (!plan.removed.empty() && !request.allow_remove) {
    return failure(ErrorCode::conflict,
                   "it would remove " + list_of(plan.removed) + ", which is not allowed");
  }
  if (request.most_bytes > 0 && plan.download_bytes > request.most_bytes) {
    return failure(ErrorCode::too_large,
                   std::to_string(plan.download_bytes) + " bytes to fetch are more than " +
                       std::to_string(request.most_bytes));
  }
  return check_room(plan, shop_.driver);
}

void Run::planned(wire::UpdatePlan plan) {
  if (auto good = check(plan); !good) {
    return fail(std::move(good).error());
  }
  record_.plan = std::move(plan);
  if (record_.plan.packages.empty() && record_.plan.removed.empty()) {
    return finish({ErrorCode::exec_failed, "packages are half installed"});
  }
  if (record_.request.op == wire::UpdateRun::Op::download) {
    await_lock(record_.request.lock_wait, [this] { fetch(); });
  } else if (record_.request.conffile == wire::ConffilePolicy::fail) {
    check_files();
  } else {
    look_for_automatic();
  }
}

void Run::check_files() {
  look_ = std::make_unique<Look>(
      shop_.context,
      shop_.driver,
      shop_.driver.verify(record_.plan),
      kLookPatience,
      [this](const Result<std::string>& said) {
        const auto changed = said ? shop_.driver.changed_files(*said) : std::vector<std::string>();
        if (!said || !changed.empty()) {
          return fail(said ? Error{ErrorCode::conflict, "changed here: " + list_of(changed)}
                           : said.error());
        }
        look_for_automatic();
      });
}

// To install a package by its name marks it as asked for: it is marked as it was afterwards.
void Run::look_for_automatic() {
  look_ = std::make_unique<Look>(
      shop_.context,
      shop_.driver,
      shop_.driver.automatic(record_.plan),
      kLookPatience,
      [this](const Result<std::string>& said) {
        record_.automatic.clear();
        for (const auto& package : record_.plan.packages) {
          const bool is =
              package.from.empty() ||
              (said && ("\n" + *said).find("\n" + package.name + "\n") != std::string::npos);
          if (is) {
            record_.automatic.push_back(package.name);
          }
        }
        fetch();
      });
}

wire::UpdateOutcome Run::outcome(Phase state) const {
  wire::UpdateOutcome outcome;
  outcome.id = record_.id;
  outcome.op = record_.request.op;
  outcome.state = state;
  outcome.started = record_.started;
  outcome.ended = shop_.context.clock.now();
  outcome.plan_hash = record_.plan.hash;
  outcome.conffiles = conffiles_;
  outcome.repaired = record_.repaired;
  outcome.reboot_required = shop_.driver.reboot_required();
  return outcome;
}

void Run::fail(Error error) {
  if (record_.good) {
    return conclude_bad(std::move(error));
  }
  auto failed = outcome(Phase::failed);
  failed.code = std::string(steward::word(error.code));
  failed.message = std::move(error.message);
  conclude(std::move(failed));
}

void Run::conclude(wire::UpdateOutcome outcome) {
  if (concluded_) {
    return;
  }
  opening_.stop();
  reboot_.stop();
  own_.stop();
  lease_.stop();
  health_.stop();
  lock_.stop();
  settle_.stop();
  stall_.stop();
  progress_.stop();
  concluded_ = true;
  if (tells_post()) {
    return tell_post(std::move(outcome));
  }
  next_ = [this, ended = std::move(outcome)] { shop_.ended(ended); };
  later_.start(milliseconds(0));
}

bool Run::cancel() {
  const auto phase = record_.phase;
  if (cancelled_ || phase == Phase::applying || phase == Phase::repairing ||
      phase == Phase::services || phase >= Phase::rebooting || concluded_) {
    return cancelled_;
  }
  cancelled_ = true;
  next_ = nullptr;
  later_.stop();
  progress_.stop();
  const bool pending = phase == Phase::reboot_pending || phase == Phase::lease_wait;
  if (pending && record_.request.op != wire::UpdateRun::Op::reboot) {
    conclude_good("its reboot was cancelled");
    return true;
  }
  look_.reset();
  plan_look_.reset();
  if (shim_) {  // a download: what is there is taken up by the next one
    shim_->kill_tree(
        {.grace = milliseconds(2'000)}, [this](runtime::KillStep step, const runtime::TreeReport&) {
          if (step == runtime::KillStep::gone || step == runtime::KillStep::unkillable) {
            conclude(outcome(Phase::cancelled));
          }
        });
  } else {
    conclude(outcome(Phase::cancelled));
  }
  return true;
}

}  // namespace steward::handlers::osupdate
