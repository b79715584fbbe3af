#include "handlers/daemon/health.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace steward::handlers::daemon {
namespace {

using By = wire::DaemonCheck::By;

std::string check_name(const wire::DaemonCheck& check) {
  constexpr std::array<std::string_view, 5> kNames{"exec", "tcp", "http", "unix", "watchdog"};
  const auto& place = check.by == By::exec   ? check.argv.front()
                      : check.by == By::http ? check.url
                                             : check.address;
  return std::string(kNames[static_cast<std::size_t>(check.by)]) + (place.empty() ? "" : " ") +
         place;
}

}  // namespace

struct Health::Check {
  Check(runtime::Context& context, wire::DaemonCheck its_spec, std::function<void()> due)
      : spec(std::move(its_spec)), clock(context.loop, std::move(due)) {}

  const wire::DaemonCheck spec;
  runtime::Timer clock;  // until the next attempt; of a watchdog: until it is too late
  std::unique_ptr<Probe> probe;
  std::int64_t bad = 0;
  std::int64_t good = 0;
  std::string wrong;  // empty: it is well
};

Health::Health(runtime::Context& context,
               const std::vector<wire::DaemonCheck>& checks,
               Listener listener)
    : context_(context), listener_(std::move(listener)) {
  for (const auto& spec : checks) {
    const auto index = checks_.size();
    checks_.push_back(std::make_unique<Check>(context, spec, [this, index] {
      auto& check = *checks_[index];
      if (check.spec.by == By::watchdog) {
        return judge(check, failure(ErrorCode::timed_out, "it has said nothing for too long"));
      }
      check.probe =
          std::make_unique<Probe>(context_, check.spec, [this, &check](const Result<void>& result) {
            judge(check, result);
          });
    }));
    checks_.back()->clock.start(spec.by == By::watchdog ? spec.grace + spec.timeout : spec.grace);
  }
}

Health::~Health() = default;

void Health::fed() {
  for (auto& check : checks_) {
    if (check->spec.by == By::watchdog) {
      judge(*check, {});
      return;  // judge may have ended this
    }
  }
}

void Health::triggered() {
  for (auto& check : checks_) {
    if (check->spec.by == By::watchdog) {
      judge(*check, failure(ErrorCode::io, "it says so itself"));
      return;
    }
  }
}

// A silent watchdog needs no second attempt.
void Health::judge(Check& check, const Result<void>& result) {
  const bool dog = check.spec.by == By::watchdog;
  check.clock.start(dog ? check.spec.timeout : check.spec.interval);
  if (result) {
    check.bad = 0;
    if (!check.wrong.empty() && ++check.good >= check.spec.ok) {
      check.wrong.clear();
      tell();
    }
    return;
  }
  check.good = 0;
  if (!check.wrong.empty() || ++check.bad < (dog ? 1 : check.spec.fail)) {
    return;
  }
  check.wrong = check_name(check.spec) + ": " + result.error().message;
  if (check.spec.action == wire::DaemonCheck::Action::event) {
    return tell();
  }
  check.clock.stop();
  const auto failed = listener_.failed;
  failed(std::string(check.wrong));  // may end this
}

std::optional<std::chrono::milliseconds> watchdog_of(const wire::DaemonSpec& spec) {
  for (const auto& check : spec.health) {
    if (check.by == By::watchdog) {
      return check.timeout;
    }
  }
  return std::nullopt;
}

void Health::tell() {
  std::string wrong;
  for (const auto& check : checks_) {
    if (!check->wrong.empty() && check->spec.action == wire::DaemonCheck::Action::event) {
      wrong += (wrong.empty() ? "" : "; ") + check->wrong;
    }
  }
  const auto changed = listener_.changed;
  changed(wrong);
}

}  // namespace steward::handlers::daemon
