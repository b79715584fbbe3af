#pragma once

#include "subjects/wire/query.hpp"
#include "tools/stewardctl/session.hpp"
#include "tools/stewardctl/verb.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace steward::ctl {

// Which units a verb is for, as the person wrote it: names, or what units are (wire::Selector).
struct TargetArguments {
  std::string target;
  bool all = false;
  bool force = false;
  std::string limit;  // "5" or "10%"; empty: no limit
};

void declare_target(Syntax& syntax, TargetArguments& arguments);

// Adds --all, --limit and --force too.
void declare_acting_target(Syntax& syntax, TargetArguments& arguments);

// A name that is not known is an error for what changes something, and left out for what only
// looks.
enum class Purpose { act, look };

// The units meant, among those known, in their order. Errors: bad_config (neither TARGET nor --all,
// both, a bad limit, a target that cannot be read), not_found (a term matches nothing, with the
// nearest known name).
[[nodiscard]] Result<std::vector<std::string>> pick_units(const TargetArguments& arguments,
                                                          const std::vector<std::string>& known,
                                                          Purpose purpose);

std::vector<std::string> names_of(const std::vector<wire::UnitRow>& rows);

// The station's rows of units, of those meant alone where it takes more than names to tell.
// Errors: bad_config (a target that cannot be read), the query's.
[[nodiscard]] Result<Answer> query_units(Session& session,
                                         const std::string& target,
                                         wire::QueryRequest request,
                                         std::chrono::milliseconds patience);

// The known units that a verb is to look at; all, without a target. Errors: as query_units and
// pick_units.
[[nodiscard]] Result<std::vector<std::string>> looked_at(Session& session,
                                                         const TargetArguments& arguments);

// "ship1,ship2" as names, where the target is nothing but plain names; empty otherwise.
std::vector<std::string> plain_names(std::string_view target);

// Units meant for an action, resolved by the station. Units in conflict are refused without
// --force. Where the station is silent, plain names are taken as they are, with a warning. Errors:
// those of pick_units, conflict, timed_out (station silent and no plain names), unavailable.
[[nodiscard]] Result<std::vector<std::string>> resolve_units(Session& session,
                                                             Console& console,
                                                             const TargetArguments& arguments);

// How many units the station knows; waits a second at most. Errors: Session::query()'s,
// bad_payload.
[[nodiscard]] Result<std::size_t> fleet_size(Session& session);

// Asks before an action on many units. Errors: bad_config (nobody there to answer: --yes is
// needed), denied (the person said no) as bad_config.
[[nodiscard]] Result<void> confirm(Invocation& invocation,
                                   std::string_view doing,
                                   std::size_t units,
                                   std::size_t confirm_over);

// The rows of the station's table, decoded. Errors: bad_payload.
[[nodiscard]] Result<std::vector<wire::UnitRow>> decode_unit_rows(const Answer& answer);

// 100000 rows: all that a fleet has.
wire::QueryRequest all_rows();

}  // namespace steward::ctl
