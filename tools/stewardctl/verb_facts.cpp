#include "subjects/wire/facts.hpp"
#include "subjects/wire/fields.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace steward::ctl {

namespace {

struct FactsArguments {
  TargetArguments target;
  std::string path;
  std::string diff;
};

struct Answered {
  std::vector<wire::FactsRow> rows;
  std::vector<std::string> texts;  // of the rows, as the station wrote them
};

// With --all there is no TARGET, so that the only positional is the path.
void settle_fact_positionals(FactsArguments& arguments) {
  if (arguments.target.all && arguments.path.empty()) {
    std::swap(arguments.path, arguments.target.target);
  }
}

Result<Answered> ask_facts(Session& session, const wire::QueryRequest& request) {
  STEWARD_TRY(const auto answer, session.query("facts", request));
  Answered answered;
  for (const std::string& text : answer.rows) {
    STEWARD_TRY(auto row, wire::decode_facts_row(text));
    answered.rows.push_back(std::move(row));
    answered.texts.push_back(text);
  }
  return answered;
}

// A value for people: a text without its quotes, a list with commas.
std::string shown_fact(const std::string& value) {
  const auto parsed = wire::parse_json(value);
  if (parsed && parsed->is_string()) {
    return one_line(parsed->get<std::string>());
  }
  if (parsed && parsed->is_array()) {
    std::vector<std::string> items;
    for (const auto& item : *parsed) {
      items.push_back(item.is_string() ? item.get<std::string>() : item.dump());
    }
    return one_line(fmt::format("{}", fmt::join(items, ", ")));
  }
  return value;
}

Table table_of_units(const std::vector<wire::FactsRow>& rows) {
  const bool one = rows.size() == 1;
  Table table(one ? std::vector<Column>{{"FACT"}, {"VALUE"}}
                  : std::vector<Column>{{"UNIT"}, {"FACT"}, {"VALUE"}});
  for (const auto& row : rows) {
    for (const auto& [path, value] : row.facts) {
      if (one) {
        table.add({{path}, {shown_fact(value)}});
      } else {
        table.add({{row.unit}, {path}, {shown_fact(value)}});
      }
    }
  }
  return table;
}

// Facts in which units differ from one of them.
Table difference_table(const std::vector<wire::FactsRow>& rows, const wire::FactsRow& other) {
  Table table({{"UNIT"}, {"FACT"}, {"VALUE"}, {"ON " + other.unit}});
  const auto value_of = [](const wire::Facts& facts, const std::string& path) {
    const auto at = facts.find(path);
    return at == facts.end() ? std::string("-") : shown_fact(at->second);
  };
  for (const auto& row : rows) {
    wire::Facts all = row.facts;
    all.insert(other.facts.begin(), other.facts.end());
    for (const auto& [path, value] : all) {
      auto here = value_of(row.facts, path);
      auto there = value_of(other.facts, path);
      if (here != there) {
        table.add({{row.unit}, {path}, {std::move(here)}, {std::move(there)}});
      }
    }
  }
  return table;
}

// Those of the units that have told no facts.
std::vector<std::string> silent_ones(const std::vector<std::string>& units,
                                     const Answered& answered) {
  std::vector<std::string> silent;
  for (const auto& unit : units) {
    if (std::none_of(answered.rows.begin(), answered.rows.end(), [&unit](const auto& row) {
          return row.unit == unit;
        })) {
      silent.push_back(unit);
    }
  }
  return silent;
}

void print_facts(Invocation& invocation, const Answered& answered, const Table& table) {
  Console& console = invocation.console;
  switch (invocation.format) {
    case Format::json:
      console.out(fmt::format("[{}]\n", fmt::join(answered.texts, ",\n ")));
      return;
    case Format::jsonl:
      for (const auto& text : answered.texts) {
        console.out(text + "\n");
      }
      return;
    case Format::name:
      for (const auto& row : answered.rows) {
        console.out(row.unit + "\n");
      }
      return;
    case Format::raw:
    case Format::table:
    case Format::wide:
      break;
  }
  if (table.size() > 0) {
    console.out(table.render(console.look().out, console.width()));
  }
}

Result<Exit> facts(Invocation& invocation, FactsArguments arguments) {
  settle_fact_positionals(arguments);
  wire::QueryRequest request = all_rows();
  if (!arguments.path.empty()) {
    if (!wire::is_fact_path(arguments.path)) {
      return failure(ErrorCode::bad_config,
                     fmt::format("'{}' is no fact: write os, or net.eth0", arguments.path));
    }
    request.keys = {arguments.path};
  }
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto units, looked_at(*session, arguments.target));
  request.units = units;
  Answered answered;
  if (!units.empty()) {
    STEWARD_TRY(answered, ask_facts(*session, request));
  }
  Table table = table_of_units(answered.rows);
  if (!arguments.diff.empty()) {
    request.units = {arguments.diff};
    STEWARD_TRY(const auto other, ask_facts(*session, request));
    if (other.rows.empty()) {
      return failure(ErrorCode::not_found,
                     fmt::format("--diff {}: nothing is known of that unit. See: stewardctl units",
                                 arguments.diff));
    }
    table = difference_table(answered.rows, other.rows.front());
  }
  print_facts(invocation, answered, table);
  if (const auto silent = silent_ones(units, answered); !silent.empty()) {
    invocation.console.warn(
        fmt::format("no facts yet of {}", one_line(fmt::format("{}", fmt::join(silent, ", ")))));
  }
  return Exit::ok;
}

}  // namespace

Verb facts_verb() {
  return {
      "facts",
      "what units are: system, hardware, labels",
      "As they have told it last, also of units that are away. PATH: one fact (os.version), or "
      "all\n"
      "below it (net.eth0). A unit adds what stands in /etc/steward/facts.d, as JSON or as the\n"
      "output of programs.",
      "stewardctl facts ship1\n"
      "stewardctl facts 'ship*' os.version\n"
      "stewardctl facts ship1 --diff ship2\n"
      "stewardctl facts --all labels -o json",
      TakesCommand::no,
      [](Syntax& syntax) -> Action {
        const auto arguments = std::make_shared<FactsArguments>();
        declare_target(syntax, arguments->target);
        syntax.positional("PATH", arguments->path, Syntax::Presence::optional);
        syntax.option("--diff", arguments->diff, "UNIT", "only what differs from that unit's");
        return [arguments](Invocation& invocation) { return facts(invocation, *arguments); };
      }};
}

}  // namespace steward::ctl
