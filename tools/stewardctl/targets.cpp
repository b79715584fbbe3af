#include "tools/stewardctl/targets.hpp"

#include "subjects/wire/fields.hpp"
#include "subjects/wire/selector.hpp"
#include "tools/stewardctl/format.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace steward::ctl {

namespace {

constexpr std::chrono::milliseconds kGlance{1'000};  // for what can be done without

Result<std::size_t> limit_of(const std::string& text, std::size_t units) {
  const bool percent = !text.empty() && text.back() == '%';
  const char* end = text.data() + text.size() - (percent ? 1 : 0);
  std::size_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number == 0 || (percent && number > 100)) {
    return failure(ErrorCode::bad_config,
                   fmt::format("--limit '{}': write a number or a percentage: 5, 10%", text));
  }
  return percent ? std::max<std::size_t>(1, units * number / 100) : number;
}

// The text that names an unknown unit, and what may have been meant.
Error no_match(const std::string& written, const std::vector<std::string>& known) {
  const std::string near = wire::nearest(written, known);
  std::string next = "See: stewardctl units";
  if (!near.empty()) {
    next = fmt::format("Did you mean '{}'?", near);
  } else if (known.empty()) {
    next = "No unit has said hello yet: start steward-edge on one.";
  }
  return {ErrorCode::not_found,
          fmt::format("no unit matches '{}' ({} known). {}", written, known.size(), next)};
}

Result<std::vector<std::string>> limited(std::vector<std::string> units, const std::string& limit) {
  if (!limit.empty()) {
    STEWARD_TRY(const std::size_t most, limit_of(limit, units.size()));
    units.resize(std::min(units.size(), most));
  }
  return units;
}

Result<wire::Selector> parse_selector(const std::string& text) {
  auto selector = wire::Selector::parse(text);
  if (!selector) {
    return failure(ErrorCode::bad_config, selector.error().message);
  }
  return selector;
}

// Of units that the station has picked by what they are.
Result<std::vector<std::string>> picked(const TargetArguments& arguments,
                                        const std::vector<std::string>& units,
                                        Purpose purpose) {
  if (units.empty() && purpose == Purpose::act) {
    return failure(ErrorCode::not_found,
                   fmt::format("no unit is such that '{}'.\nSee what they are: stewardctl facts "
                               "--all, stewardctl units",
                               arguments.target));
  }
  return limited(units, arguments.limit);
}

Result<void> check_conflicts(const std::vector<wire::UnitRow>& rows,
                             const std::vector<std::string>& units) {
  std::vector<std::string> torn;
  for (const auto& row : rows) {
    if (row.state == wire::UnitState::conflict &&
        std::find(units.begin(), units.end(), row.unit) != units.end()) {
      torn.push_back(row.unit);
    }
  }
  if (torn.empty()) {
    return {};
  }
  return failure(ErrorCode::conflict,
                 fmt::format("two machines answer to the name {}.\nRename one of them, or send to "
                             "both with --force.",
                             fmt::join(torn, ", ")));
}

}  // namespace

void declare_target(Syntax& syntax, TargetArguments& arguments) {
  syntax.positional("TARGET", arguments.target, Syntax::Presence::optional);
  syntax.flag("--all", arguments.all, "every unit that the station knows");
}

void declare_acting_target(Syntax& syntax, TargetArguments& arguments) {
  declare_target(syntax, arguments);
  syntax.option("--limit", arguments.limit, "N|N%", "only the first so many of them");
  syntax.flag("--force", arguments.force, "also units whose name is in conflict");
}

std::vector<std::string> names_of(const std::vector<wire::UnitRow>& rows) {
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const auto& row : rows) {
    names.push_back(row.unit);
  }
  return names;
}

Result<std::vector<std::string>> pick_units(const TargetArguments& arguments,
                                            const std::vector<std::string>& known,
                                            Purpose purpose) {
  if (arguments.all && !arguments.target.empty()) {
    return failure(ErrorCode::bad_config,
                   fmt::format("both '{}' and --all: write one of them", arguments.target));
  }
  if (!arguments.all && arguments.target.empty() && purpose == Purpose::act) {
    return failure(ErrorCode::bad_config,
                   "no target. Name units (ship1, 'ship*', ship[1-3],rig7), or write --all");
  }
  std::vector<std::string> units = known;
  if (!arguments.target.empty()) {
    STEWARD_TRY(const auto selector, parse_selector(arguments.target));
    const auto* const target = selector.names_only();
    if (target == nullptr) {
      return picked(arguments, known, purpose);  // by the station
    }
    auto resolved = target->resolve(known);
    const bool strict = purpose == Purpose::act || resolved.units.empty();
    if (!resolved.unmatched.empty() && strict) {
      return tl::unexpected<Error>(no_match(resolved.unmatched.front(), known));
    }
    units = std::move(resolved.units);
  }
  if (units.empty() && purpose == Purpose::act) {
    return tl::unexpected<Error>(no_match(arguments.all ? "--all" : arguments.target, known));
  }
  return limited(std::move(units), arguments.limit);
}

std::vector<std::string> plain_names(std::string_view target) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin <= target.size()) {
    const std::size_t end = std::min(target.find(',', begin), target.size());
    const auto name = wire::NodeName::parse(target.substr(begin, end - begin));
    if (!name) {
      return {};
    }
    if (std::find(out.begin(), out.end(), name->str()) == out.end()) {
      out.push_back(name->str());
    }
    begin = end + 1;
  }
  return out;
}

wire::QueryRequest all_rows() {
  wire::QueryRequest request;
  request.limit = 100'000;
  return request;
}

Result<std::vector<wire::UnitRow>> decode_unit_rows(const Answer& answer) {
  std::vector<wire::UnitRow> out;
  out.reserve(answer.rows.size());
  for (const std::string& text : answer.rows) {
    STEWARD_TRY(auto row, wire::decode_unit_row(text));
    out.push_back(std::move(row));
  }
  return out;
}

Result<Answer> query_units(Session& session,
                           const std::string& target,
                           wire::QueryRequest request,
                           std::chrono::milliseconds patience) {
  if (!target.empty()) {
    STEWARD_TRY(const auto selector, parse_selector(target));
    if (selector.names_only() == nullptr) {
      request.target = target;
    }
  }
  return session.query("units", request, patience);
}

Result<std::vector<std::string>> looked_at(Session& session, const TargetArguments& arguments) {
  STEWARD_TRY(const auto answer,
              query_units(session, arguments.target, all_rows(), session.settings().timeout));
  STEWARD_TRY(const auto rows, decode_unit_rows(answer));
  return pick_units(arguments, names_of(rows), Purpose::look);
}

Result<std::vector<std::string>> resolve_units(Session& session,
                                               Console& console,
                                               const TargetArguments& arguments) {
  // What is wrong without any unit is wrong before the station is asked.
  if (arguments.all == !arguments.target.empty()) {
    return pick_units(arguments, {}, Purpose::act);
  }
  if (!arguments.target.empty()) {
    if (auto selector = parse_selector(arguments.target); !selector) {
      return tl::unexpected<Error>(selector.error());
    }
  }
  const auto plain = plain_names(arguments.target);
  const auto patience =
      plain.empty() ? session.settings().timeout
                    : std::min(session.settings().timeout, std::chrono::milliseconds(2'000));
  const auto answer = query_units(session, arguments.target, all_rows(), patience);
  if (!answer && is_silence(answer.error()) && !plain.empty()) {
    console.warn(fmt::format("station '{}' does not answer: taking the names as they are",
                             session.settings().station));
    return plain;
  }
  if (!answer) {
    return tl::unexpected<Error>(answer.error());
  }
  STEWARD_TRY(const auto rows, decode_unit_rows(*answer));
  STEWARD_TRY(auto units, pick_units(arguments, names_of(rows), Purpose::act));
  if (!arguments.force) {
    if (auto free_of_them = check_conflicts(rows, units); !free_of_them) {
      return tl::unexpected<Error>(free_of_them.error());
    }
  }
  return units;
}

Result<std::size_t> fleet_size(Session& session) {
  const auto patience = std::min(session.settings().timeout, kGlance);
  STEWARD_TRY(const auto answer, session.query("station", {}, patience));
  STEWARD_TRY(const auto row, wire::parse_json(answer.rows.empty() ? "" : answer.rows.front()));
  std::size_t units = 0;
  if (!row.is_object() || !row.contains("units")) {
    return failure(ErrorCode::bad_payload, "the station does not say how many units it knows");
  }
  for (const auto& [state, count] : row.at("units").items()) {
    units += count.is_number_unsigned() ? count.get<std::size_t>() : 0;
  }
  return units;
}

Result<void> confirm(Invocation& invocation,
                     std::string_view doing,
                     std::size_t units,
                     std::size_t confirm_over) {
  if (units <= confirm_over || invocation.asking == Asking::answered_yes) {
    return {};
  }
  if (invocation.asking == Asking::never || !invocation.console.look().in_is_terminal) {
    return failure(ErrorCode::bad_config,
                   fmt::format("{} on {}: more than {}, and nobody here to ask.\nWrite --yes to do "
                               "it, or --limit N for fewer.",
                               doing,
                               counted(units, "unit"),
                               confirm_over));
  }
  if (!invocation.console.confirmed(fmt::format("{} on {}?", doing, counted(units, "unit")))) {
    return failure(ErrorCode::bad_config, "not confirmed: nothing was sent");
  }
  return {};
}

}  // namespace steward::ctl
