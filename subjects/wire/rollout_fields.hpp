#pragma once

#include "subjects/wire/fields.hpp"
#include "subjects/wire/rollout.hpp"

#include <nlohmann/json_fwd.hpp>

// What the plan of a rollout has in a request and in a row. For rollout*.cpp only.
namespace steward::wire {

// All but the payload.
nlohmann::json rollout_plan_json(const RolloutPlan& plan);
RolloutPlan read_rollout_plan(Fields& fields);

}  // namespace steward::wire
