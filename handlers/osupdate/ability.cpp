#include "handlers/osupdate/ability.hpp"

#include <algorithm>
#include <set>

namespace steward::handlers::osupdate {
namespace {

using wire::UpdateScope;

// As a command's field has it.
std::string_view shown(Ability ability) {
  switch (ability) {
    case Ability::rollback:
      return "op=rollback";
    case Ability::hold:
      return "op=hold and op=unhold";
    case Ability::security:
      return "scope=security";
    case Ability::versions:
      return "packages with a version";
    case Ability::exclude:
      return "exclude";
    case Ability::exclude_named:
      return "exclude or min_age_ms beside scope=packages";
    case Ability::without_new:
      return "allow_new=false";
    case Ability::replace_files:
      return "conffile=replace";
    case Ability::spot_files:
      return "conffile=fail";
    case Ability::limit_rate:
      return "rate_bps";
  }
  return "";
}

std::set<Ability> needed_for(const wire::UpdateChoice& choice) {
  std::set<Ability> needed;
  if (choice.scope == UpdateScope::security) {
    needed.insert(Ability::security);
  }
  if (!choice.exclude.empty()) {
    needed.insert(choice.scope == UpdateScope::packages ? Ability::exclude_named
                                                        : Ability::exclude);
  }
  // What is too young is left out the same way.
  if (choice.min_age.count() > 0 && choice.scope == UpdateScope::packages) {
    needed.insert(Ability::exclude_named);
  }
  if (!choice.allow_new) {
    needed.insert(Ability::without_new);
  }
  if (std::any_of(choice.packages.begin(), choice.packages.end(), [](const std::string& package) {
        return package.find('=') != std::string::npos;
      })) {
    needed.insert(Ability::versions);
  }
  return needed;
}

std::set<Ability> needed_for(const wire::UpdateRun& run) {
  using Op = wire::UpdateRun::Op;
  if (run.op == Op::reboot) {
    return {};
  }
  auto needed = needed_for(run.choice);
  if (run.op == Op::rollback) {
    needed.insert(Ability::rollback);
  }
  if (run.rate > 0) {
    needed.insert(Ability::limit_rate);
  }
  if (run.op != Op::download && run.conffile != wire::ConffilePolicy::keep) {
    needed.insert(run.conffile == wire::ConffilePolicy::replace ? Ability::replace_files
                                                                : Ability::spot_files);
  }
  return needed;
}

}  // namespace

Result<void> check_abilities(const Driver& driver, const wire::UpdateRequest& request) {
  std::set<Ability> needed;
  if (const auto* plan = std::get_if<wire::UpdatePlanRequest>(&request)) {
    needed = needed_for(plan->choice);
  } else if (const auto* run = std::get_if<wire::UpdateRun>(&request)) {
    needed = needed_for(*run);
  } else if (std::holds_alternative<wire::UpdateHold>(request)) {
    needed = {Ability::hold};
  }
  for (const auto ability : needed) {
    if (const auto why = driver.lacks(ability)) {
      return failure(ErrorCode::unsupported,
                     std::string(driver.name()) +
                         ", which brings this unit its updates, cannot do " +
                         std::string(shown(ability)) + ": " + *why);
    }
  }
  return {};
}

}  // namespace steward::handlers::osupdate
