#pragma once

#include "subjects/wire/query.hpp"
#include "tools/stewardctl/console.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/verb.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace steward::ctl {

// "● up" in its colour.
Cell state_cell(wire::UnitState state, const Style& style);

// The table of units, wide with what few people need.
Table unit_table(const std::vector<wire::UnitRow>& rows,
                 Format format,
                 const Style& style,
                 wire::Timestamp now);

// When what a unit is let in by ends, from now: "in 5d", "2h ago", "-".
std::string short_end(std::optional<std::chrono::milliseconds> end, wire::Timestamp now);

// "3 units: 1 up, 1 late, 1 down (3 commands open)"
std::string unit_summary(const std::vector<wire::UnitRow>& rows);

enum class UnitOrder { name, state, seen, rtt, open };

// Errors: bad_config.
[[nodiscard]] Result<UnitOrder> parse_unit_order(std::string_view text);

// Names with numbers in them stand in the order of the numbers: ship2 before ship10.
void sort_units(std::vector<wire::UnitRow>& rows, UnitOrder order);

}  // namespace steward::ctl
