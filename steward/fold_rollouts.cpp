#include "steward/fold.hpp"

#include <utility>
#include <variant>

// What operators say of rollouts.

namespace steward::station {

Result<void> Fold::take_rollout(const bus::Opened& opened, Moment now) {
  const std::string by = opened.envelope.source.str();
  STEWARD_TRY(const auto request, wire::decode_rollout_request(opened.payload));
  if (const auto* plan = std::get_if<wire::RolloutPlan>(&request)) {
    return rollouts_.begin(*plan, by, now, batch_);
  }
  if (const auto* units = std::get_if<wire::RolloutUnits>(&request)) {
    return take_rollout_units(*units, by, now);
  }
  return rollouts_.take(std::get<wire::RolloutWord>(request), by, now, commands_, batch_);
}

// Each is opened as it will be when it is published: what units would never see is refused here.
Result<void> Fold::take_rollout_units(const wire::RolloutUnits& units,
                                      const std::string& by,
                                      Moment now) {
  const auto* payload = rollouts_.payload_of(units.rollout);
  if (payload == nullptr) {
    return rollouts_.knows(units.rollout)
               ? Result<void>()  // said again
               : failure(ErrorCode::not_found, "no rollout " + units.rollout.str() + " is begun");
  }
  const Rollout* rollout = rollouts_.find(units.rollout);
  if (rollout->by() != by) {
    return failure(ErrorCode::denied,
                   "rollout " + units.rollout.str() + " is " + rollout->by() + "'s to hand over");
  }
  const std::string route = ".command." + rollout->plan().method + "." + rollout->plan().domain;
  const std::string shared = *payload;  // the last command ends it there
  for (std::size_t i = 0; i < units.units.size(); ++i) {
    const auto& unit = units.units[i];
    if (!unit.headers.find("ce-id")) {
      return failure(ErrorCode::bad_payload, "a command for " + unit.unit + " has no ce-id");
    }
    auto opened = channel_.open({unit.unit + route, unit.headers, shared, {}}, now.wall);
    if (!opened) {
      return tl::unexpected<Error>(
          std::move(opened).error().error.with_context("the command for " + unit.unit));
    }
    if (auto added = rollouts_.add(
            units.rollout, units.first + i, opened->envelope, unit.headers, now, commands_, batch_);
        !added) {
      return added;
    }
  }
  return {};
}

void Fold::judge_rollouts(Acting acting, Moment now) {
  const Rollout::IsThere is_there = [this](std::string_view unit) { return units_.is_there(unit); };
  rollouts_.judge(now, acting == Acting::yes ? is_there : nullptr, commands_, batch_);
}

}  // namespace steward::station
