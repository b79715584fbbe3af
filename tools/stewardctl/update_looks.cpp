#include "tools/stewardctl/update_looks.hpp"

#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/ask_units.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/table.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::ctl {

namespace {

using nlohmann::json;

constexpr std::chrono::minutes kLookPatience{5};

using Answers = std::vector<std::pair<std::string, json>>;

// Those that have answered; the others are named in a warning.
Result<Exit> ask_updates(Invocation& invocation,
                         const UpdateArguments& arguments,
                         const wire::UpdateRequest& request,
                         Answers& out) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto units, resolve_units(*session, invocation.console, arguments.target));
  std::vector<UnitQuestion> questions;
  questions.reserve(units.size());
  for (const auto& unit : units) {
    questions.push_back({unit, wire::encode(request)});
  }
  STEWARD_TRY(
      const auto answers,
      ask_units(
          *session, "osupdate", "system", questions, {std::chrono::seconds(10), kLookPatience}));
  for (const auto& unit : answers.units()) {
    auto parsed = wire::parse_json(unit.result);
    if (unit.outcome() == Outcome::ok && parsed) {
      out.emplace_back(unit.unit, *std::move(parsed));
      continue;
    }
    const bool pending = unit.outcome() == Outcome::pending;
    invocation.console.warn(fmt::format("{}: {}",
                                        unit.unit,
                                        pending ? "does not answer: it is away, or busy"
                                                : one_line(unit.code + ": " + unit.message)));
  }
  return answers.exit();
}

// For programs: each answer with its unit. False: it is for a person.
bool show_json(Invocation& invocation, const Answers& answers) {
  if (invocation.is_table()) {
    return false;
  }
  json all = json::array();
  for (const auto& [unit, answer] : answers) {
    auto row = answer;
    row["unit"] = unit;
    if (invocation.format == Format::jsonl) {
      invocation.console.out(wire::dump_json(row) + "\n");
    } else if (invocation.format == Format::name) {
      invocation.console.out(unit + "\n");
    }
    all.push_back(std::move(row));
  }
  if (invocation.format == Format::json) {
    invocation.console.out(all.dump(1) + "\n");
  }
  return true;
}

void show_names(Console& console, std::string_view what, const std::vector<std::string>& names) {
  if (!names.empty()) {
    console.out(
        fmt::format("  {}: {}\n", what, one_line(fmt::format("{}", fmt::join(names, ", ")))));
  }
}

void show_plan(Invocation& invocation, const std::string& unit, const wire::UpdatePlan& plan) {
  Console& console = invocation.console;
  console.out(fmt::format("{}: {} packages, {} to fetch, plan {}\n",
                          unit,
                          plan.packages.size() + plan.left_out,
                          short_bytes(static_cast<std::uint64_t>(plan.download_bytes)),
                          plan.hash.empty() ? "-" : plan.hash));
  Table table({{"PACKAGE"}, {"FROM"}, {"TO"}, {"SECURITY"}, {"ORIGIN"}});
  for (const auto& package : plan.packages) {
    table.add({{one_line(package.name)},
               {one_line(package.from.empty() ? "new" : package.from)},
               {one_line(package.to)},
               {package.security ? "yes" : "", Paint::warning},
               {one_line(package.origin)}});
  }
  for (const auto& name : plan.removed) {
    table.add({{one_line(name)}, {""}, {"removed", Paint::bad}});
  }
  for (const auto& kept : plan.kept_back) {
    table.add(
        {{one_line(kept.name)}, {""}, {"kept back", Paint::faint}, {""}, {one_line(kept.reason)}});
  }
  if (table.size() > 0) {
    console.out(table.render(console.look().out, console.width()));
  }
  show_names(console, "services that run what it replaces", plan.restarts);
  show_names(console, "packages that ask for a reboot", plan.reboot_for);
}

}  // namespace

void settle_packages(UpdateArguments& arguments) {
  auto& target = arguments.target;
  if (target.all && !target.target.empty()) {
    arguments.packages.insert(arguments.packages.begin(), std::exchange(target.target, ""));
  }
}

Result<void> check_packages(const std::vector<std::string>& names, bool (*good)(std::string_view)) {
  const auto bad =
      std::find_if(names.begin(), names.end(), [good](const auto& name) { return !good(name); });
  if (bad != names.end()) {
    return failure(ErrorCode::bad_config,
                   fmt::format("'{}' is no name of a package: libc6, libc6=2.36-9", *bad));
  }
  return {};
}

Result<wire::UpdateChoice> choice_of(const UpdateArguments& arguments) {
  wire::UpdateChoice choice;
  if (auto good = check_packages(arguments.packages, &wire::is_package_choice); !good) {
    return tl::unexpected<Error>(good.error());
  }
  if (auto good = check_packages(arguments.exclude, &wire::is_package_name); !good) {
    return tl::unexpected<Error>(good.error());
  }
  if (arguments.security && !arguments.packages.empty()) {
    return failure(ErrorCode::bad_config, "--security or packages: one of them");
  }
  choice.scope = arguments.security           ? wire::UpdateScope::security
                 : arguments.packages.empty() ? wire::UpdateScope::all
                                              : wire::UpdateScope::packages;
  if (!arguments.min_age.empty()) {
    STEWARD_TRY(choice.min_age, parse_duration(arguments.min_age));
  }
  choice.packages = arguments.packages;
  choice.exclude = arguments.exclude;
  choice.allow_new = !arguments.no_new;
  choice.mode = arguments.full ? wire::UpdateMode::full : wire::UpdateMode::upgrade;
  return choice;
}

Result<Exit> check_updates(Invocation& invocation, const UpdateArguments& arguments) {
  Answers answers;
  STEWARD_TRY(const auto exit,
              ask_updates(invocation, arguments, wire::UpdateCheck{arguments.refresh}, answers));
  if (show_json(invocation, answers)) {
    return exit;
  }
  Table table({{"UNIT"},
               {"UPDATES", Align::right},
               {"SECURITY", Align::right},
               {"REBOOT"},
               {"CHECKED", Align::right}});
  for (const auto& [unit, answer] : answers) {
    const auto summary = wire::decode_update_summary(wire::dump_json(answer));
    if (!summary) {
      continue;
    }
    table.add(
        {{unit},
         {std::to_string(summary->updates)},
         {std::to_string(summary->security), summary->security > 0 ? Paint::warning : Paint::plain},
         {summary->reboot_required ? "required" : "",
          summary->reboot_required ? Paint::warning : Paint::plain},
         {short_age(std::chrono::floor<std::chrono::seconds>(wall_clock() - summary->checked))}});
  }
  invocation.console.out(table.render(invocation.console.look().out, invocation.console.width()));
  return exit;
}

Result<Exit> plan_updates(Invocation& invocation, const UpdateArguments& arguments) {
  STEWARD_TRY(auto choice, choice_of(arguments));
  Answers answers;
  STEWARD_TRY(
      const auto exit,
      ask_updates(invocation, arguments, wire::UpdatePlanRequest{std::move(choice)}, answers));
  if (show_json(invocation, answers)) {
    return exit;
  }
  for (const auto& [unit, answer] : answers) {
    if (const auto found = wire::decode_update_plan(wire::dump_json(answer))) {
      show_plan(invocation, unit, *found);
    }
  }
  return exit;
}

Result<Exit> update_status(Invocation& invocation, const UpdateArguments& arguments) {
  Answers answers;
  STEWARD_TRY(const auto exit, ask_updates(invocation, arguments, wire::UpdateStatus{}, answers));
  if (show_json(invocation, answers)) {
    return exit;
  }
  Table table({{"UNIT"}, {"RUN"}, {"PHASE"}, {"WAITS FOR"}, {"QUEUED", Align::right}, {"LAST"}});
  for (const auto& [unit, answer] : answers) {
    const auto run = answer.value("run", json::object());
    const auto last = answer.value("last", json::object());
    const auto state = last.value("state", "");
    table.add({{unit},
               {run.value("op", "")},
               {run.value("phase", "")},
               {one_line(run.value("waits_for", ""))},
               {std::to_string(answer.value("queued", json::array()).size())},
               {one_line(state + (last.value("message", "").empty() ? "" : ": ") +
                         last.value("message", "")),
                state == "failed" ? Paint::bad : Paint::plain}});
  }
  invocation.console.out(table.render(invocation.console.look().out, invocation.console.width()));
  return exit;
}

Result<Exit> update_history(Invocation& invocation, const UpdateArguments& arguments) {
  Answers answers;
  STEWARD_TRY(const auto exit, ask_updates(invocation, arguments, wire::UpdateHistory{}, answers));
  if (show_json(invocation, answers)) {
    return exit;
  }
  Table table({{"UNIT"},
               {"RUN"},
               {"OP"},
               {"STATE"},
               {"AGE", Align::right},
               {"PACKAGES", Align::right},
               {"WHY"}});
  for (const auto& [unit, answer] : answers) {
    for (const auto& item : answer.value("runs", json::array())) {
      const auto outcome = wire::decode_update_outcome(wire::dump_json(item));
      if (!outcome) {
        continue;
      }
      const bool failed = outcome->state == wire::UpdatePhase::failed;
      table.add(
          {{unit},
           {one_line(outcome->id)},
           {item.value("op", "")},
           {std::string(wire::word(outcome->state)), failed ? Paint::bad : Paint::good},
           {short_age(std::chrono::floor<std::chrono::seconds>(wall_clock() - outcome->ended))},
           {std::to_string(outcome->packages.size())},
           {one_line(outcome->message)}});
    }
  }
  invocation.console.out(table.render(invocation.console.look().out, invocation.console.width()));
  return exit;
}

}  // namespace steward::ctl
