#pragma once

#include "subjects/wire/alert.hpp"
#include "subjects/wire/query.hpp"

#include <string_view>
#include <vector>

namespace steward::station {

// The source of these alerts, in the place of a method.
inline constexpr std::string_view kIdentitySource = "identity";

// What is wrong with a unit's identity, by its latest hello: its authority ends within 60 days
// (30: a warning, 7: critical), after which it needs another bundle; its login ends within a day
// though the unit is there: it is not renewed. Pure.
std::vector<wire::Alert> identity_alarms(const wire::UnitRow& row, wire::Timestamp now);

}  // namespace steward::station
