#include "subjects/wire/alert.hpp"
#include "subjects/wire/selector.hpp"
#include "subjects/wire/text.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/tell_station.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace steward::ctl {

namespace {

struct AlertsArguments {
  TargetArguments target;
  std::string rule = "*";
  std::string note;
  std::string time = "1h";
  std::string end;  // the id of a silence
  bool list = false;
};

template <class Row>
struct AlertListing {
  std::vector<Row> rows;
  std::vector<std::string> texts;  // of the rows, as the station wrote them
  wire::Timestamp now;             // the station's
};

template <class Row>
Result<AlertListing<Row>> list_rows(Session& session,
                                    std::string_view what,
                                    const wire::QueryRequest& request,
                                    Result<Row> (*decode)(std::string_view)) {
  STEWARD_TRY(auto answer, session.query(what, request));
  AlertListing<Row> listing{{}, std::move(answer.rows), answer.station_time.value_or(wall_clock())};
  for (const auto& text : listing.texts) {
    STEWARD_TRY(auto row, decode(text));
    listing.rows.push_back(std::move(row));
  }
  return listing;
}

Result<AlertListing<wire::AlertRow>> list_alerts(Session& session, std::vector<std::string> units) {
  auto request = all_rows();
  request.units = std::move(units);
  return list_rows(session, "alerts", request, &wire::decode_alert_row);
}

Cell severity_cell(wire::Severity severity) {
  return {std::string(wire::word(severity)),
          severity == wire::Severity::critical  ? Paint::bad
          : severity == wire::Severity::warning ? Paint::warning
                                                : Paint::plain};
}

Cell state_cell(const wire::AlertRow& row) {
  if (row.silenced_until) {
    return {"silenced", Paint::faint};
  }
  return row.acked_by.empty() ? Cell{"firing", Paint::bad} : Cell{"seen", Paint::plain};
}

std::string age_of_alert(wire::Timestamp since, wire::Timestamp now) {
  return short_age(std::chrono::duration_cast<std::chrono::milliseconds>(
      std::max(now - since, wire::Timestamp::duration(0))));
}

Table alerts_table(const AlertListing<wire::AlertRow>& listing, Format format) {
  std::vector<Column> columns{{"STATE"},
                              {"SEVERITY"},
                              {"UNIT"},
                              {"RULE"},
                              {"FOR", Align::right},
                              {"VALUE", Align::right},
                              {"CONDITION"},
                              {"SERIES"}};
  if (format == Format::wide) {
    columns.insert(columns.end(), {{"SEEN BY"}, {"NOTE"}});
  }
  Table table(std::move(columns));
  for (const auto& row : listing.rows) {
    table.add({state_cell(row),
               severity_cell(row.alert.severity),
               {row.unit},
               {row.alert.rule},
               {age_of_alert(row.heard, listing.now)},
               {fmt::format("{:.4g}", row.alert.value)},
               {one_line(row.alert.condition)},
               {one_line(row.alert.series)},
               {row.acked_by},
               {one_line(row.note)}});
  }
  return table;
}

template <class Row>
void print_alerts(Invocation& invocation,
                  const AlertListing<Row>& listing,
                  const Table& table,
                  const std::function<std::string(const Row&)>& name_of) {
  Console& console = invocation.console;
  if (invocation.is_table()) {
    if (table.size() > 0) {
      console.out(table.render(console.look().out, console.width()));
    }
  } else if (invocation.format == Format::json) {
    console.out(fmt::format("[{}]\n", fmt::join(listing.texts, ",\n ")));
  } else {
    for (std::size_t i = 0; i < listing.rows.size(); ++i) {
      console.out(
          (invocation.format == Format::name ? name_of(listing.rows[i]) : listing.texts[i]) + "\n");
    }
  }
}

// The worst first.
Result<Exit> list_verb(Invocation& invocation, const AlertsArguments& arguments) {
  STEWARD_TRY(const auto session, invocation.session());
  std::vector<std::string> units;
  if (!arguments.target.target.empty()) {
    STEWARD_TRY(units, looked_at(*session, arguments.target));
  }
  AlertListing<wire::AlertRow> listing;
  listing.now = wall_clock();
  if (arguments.target.target.empty() || !units.empty()) {
    STEWARD_TRY(listing, list_alerts(*session, units));
  }
  std::vector<std::size_t> order(listing.rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(), [&listing](std::size_t a, std::size_t b) {
    const auto rank = [](const wire::AlertRow& row) {
      return (row.silenced_until ? 20 : 0) + (row.acked_by.empty() ? 0 : 10) -
             static_cast<int>(row.alert.severity);
    };
    return rank(listing.rows[a]) < rank(listing.rows[b]);
  });
  auto sorted = listing;
  for (std::size_t i = 0; i < order.size(); ++i) {
    sorted.rows[i] = listing.rows[order[i]];
    sorted.texts[i] = listing.texts[order[i]];
  }
  const std::function<std::string(const wire::AlertRow&)> name = [](const wire::AlertRow& row) {
    return row.unit + " " + row.alert.rule;
  };
  print_alerts(invocation, sorted, alerts_table(sorted, invocation.format), name);
  if (invocation.is_table()) {
    invocation.console.note(sorted.rows.empty() ? "No alert is open."
                                                : counted(sorted.rows.size(), "alert"));
  }
  return Exit::ok;
}

// Names that are to be meant from now on: what units are may change.
Result<std::string> names_meant(Session& session,
                                Invocation& invocation,
                                const TargetArguments& target) {
  const auto selector = wire::Selector::parse(target.target);
  if (!target.all && selector && selector->names_only() != nullptr) {
    return target.target;
  }
  if (target.all && target.target.empty()) {
    return std::string("*");
  }
  STEWARD_TRY(const auto units, resolve_units(session, invocation.console, target));
  return fmt::format("{}", fmt::join(units, ","));
}

bool is_meant(const wire::AlertRow& row,
              const std::vector<std::string>& units,
              const std::string& rule) {
  return std::find(units.begin(), units.end(), row.unit) != units.end() &&
         wire::glob_matches(rule, row.alert.rule);
}

// `ack` and `drop`: of alerts that are open now.
Result<Exit> mark(Invocation& invocation,
                  const AlertsArguments& arguments,
                  wire::AlertsRequest::Op op) {
  STEWARD_TRY(const auto session, invocation.session());
  auto target = arguments.target;
  target.force = true;
  STEWARD_TRY(const auto units, resolve_units(*session, invocation.console, target));
  const bool drops = op == wire::AlertsRequest::Op::drop;
  const auto left = [&]() -> Result<std::size_t> {
    STEWARD_TRY(const auto listing, list_alerts(*session, units));
    return std::count_if(listing.rows.begin(), listing.rows.end(), [&](const auto& row) {
      const bool marked = !drops && !row.acked_by.empty() && row.note == arguments.note;
      return is_meant(row, units, arguments.rule) && !marked;
    });
  };
  STEWARD_TRY(const auto before, left());
  if (before == 0) {
    return failure(ErrorCode::not_found, "no such alert is open. See: stewardctl alerts ls");
  }
  const wire::AlertsRequest request{.op = op,
                                    .target = fmt::format("{}", fmt::join(units, ",")),
                                    .rule = arguments.rule,
                                    .note = drops ? "" : arguments.note};
  const auto done = [&](const wire::MessageId&) -> Result<bool> {
    STEWARD_TRY(const auto now, left());
    return now < before;
  };
  if (auto told = tell_station(*session, "alerts", wire::encode(request), done); !told) {
    return tl::unexpected<Error>(std::move(told).error());
  }
  invocation.console.note(
      fmt::format("{} {}", counted(before, "alert"), drops ? "dropped" : "marked as seen"));
  return Exit::ok;
}

Result<AlertListing<wire::SilenceRow>> list_silences(Session& session) {
  return list_rows(session, "silences", all_rows(), &wire::decode_silence_row);
}

Result<bool> is_silenced(Session& session, const std::string& id) {
  STEWARD_TRY(const auto listing, list_silences(session));
  return std::any_of(
      listing.rows.begin(), listing.rows.end(), [&id](const auto& row) { return row.id == id; });
}

Result<Exit> begin_silence(Invocation& invocation, const AlertsArguments& arguments) {
  STEWARD_TRY(const auto time, parse_duration(arguments.time));
  if (arguments.target.target.empty() && !arguments.target.all) {
    return failure(ErrorCode::bad_config, "no target. Name units, or write --all");
  }
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(auto target, names_meant(*session, invocation, arguments.target));
  const wire::AlertsRequest request{.op = wire::AlertsRequest::Op::silence,
                                    .target = std::move(target),
                                    .rule = arguments.rule,
                                    .note = arguments.note,
                                    .time = time};
  if (auto good = wire::decode_alerts_request(wire::encode(request)); !good) {
    return failure(ErrorCode::bad_config, good.error().message);
  }
  std::string id;
  const auto done = [&](const wire::MessageId& command) {
    id = command.str();
    return is_silenced(*session, id);
  };
  if (auto told = tell_station(*session, "alerts", wire::encode(request), done); !told) {
    return tl::unexpected<Error>(std::move(told).error());
  }
  invocation.console.out(id + "\n");
  return Exit::ok;
}

Result<Exit> unsilence(Invocation& invocation, const AlertsArguments& arguments) {
  if (!wire::MessageId::parse(arguments.end)) {
    return failure(
        ErrorCode::bad_config,
        fmt::format("'{}' is no silence. See: stewardctl alerts silence --list", arguments.end));
  }
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const bool known, is_silenced(*session, arguments.end));
  if (!known) {
    return failure(ErrorCode::not_found, "no such silence. See: stewardctl alerts silence --list");
  }
  const wire::AlertsRequest request{.op = wire::AlertsRequest::Op::unsilence, .id = arguments.end};
  const auto done = [&](const wire::MessageId&) -> Result<bool> {
    STEWARD_TRY(const bool still, is_silenced(*session, arguments.end));
    return !still;
  };
  if (auto told = tell_station(*session, "alerts", wire::encode(request), done); !told) {
    return tl::unexpected<Error>(std::move(told).error());
  }
  return Exit::ok;
}

Result<Exit> silences(Invocation& invocation) {
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto listing, list_silences(*session));
  Table table({{"ID"}, {"UNTIL"}, {"TARGET"}, {"RULE"}, {"BY"}, {"NOTE"}});
  for (const auto& row : listing.rows) {
    table.add({{row.id},
               {date_time(row.until)},
               {one_line(row.target)},
               {one_line(row.rule)},
               {row.by},
               {one_line(row.note)}});
  }
  const std::function<std::string(const wire::SilenceRow&)> name = [](const auto& row) {
    return row.id;
  };
  print_alerts(invocation, listing, table, name);
  if (invocation.is_table() && listing.rows.empty()) {
    invocation.console.note("Nothing is silenced.");
  }
  return Exit::ok;
}

Result<Exit> silence(Invocation& invocation, const AlertsArguments& arguments) {
  return arguments.list           ? silences(invocation)
         : !arguments.end.empty() ? unsilence(invocation, arguments)
                                  : begin_silence(invocation, arguments);
}

void declare_rule(Syntax& syntax, AlertsArguments& arguments) {
  syntax.option("--rule", arguments.rule, "GLOB", "of these rules alone");
}

void declare_note(Syntax& syntax, AlertsArguments& arguments) {
  syntax.option("--note", arguments.note, "TEXT", "why, for others to read");
}

}  // namespace

Verbs alerts_verbs() {
  return {
      {"alerts ls",
       "what units raise alarm about",
       "Units judge by rules of their own ([[metrics.rules]], or by command). The worst first; -o\n"
       "wide shows who has seen it.",
       "stewardctl alerts ls\n"
       "stewardctl alerts ls 'site=oslo' -o wide",
       TakesCommand::no,
       [](Syntax& syntax) -> Action {
         const auto arguments = std::make_shared<AlertsArguments>();
         syntax.positional("TARGET", arguments->target.target, Syntax::Presence::optional);
         return [arguments](Invocation& invocation) { return list_verb(invocation, *arguments); };
       }},
      {"alerts ack",
       "say that alerts were seen",
       "Of those that are open now; one that begins again later is a new one.",
       "stewardctl alerts ack ship1 --rule disk --note 'new disk is on its way'",
       TakesCommand::no,
       [](Syntax& syntax) -> Action {
         const auto arguments = std::make_shared<AlertsArguments>();
         declare_target(syntax, arguments->target);
         declare_rule(syntax, *arguments);
         declare_note(syntax, *arguments);
         return [arguments](Invocation& invocation) {
           return mark(invocation, *arguments, wire::AlertsRequest::Op::ack);
         };
       }},
      {"alerts silence",
       "keep alerts quiet for a time",
       "They are listed as silenced, and left out of steward_unit_alerts. Names and globs also "
       "mean\n"
       "units to come; of what units are, those that are so now. Prints the silence's id.",
       "stewardctl alerts silence 'ship*' --rule 'disk*' --for 2h --note 'in the dock'\n"
       "stewardctl alerts silence --list\n"
       "stewardctl alerts silence --end 01M7YPX8K6D6W5RQRZMABY03AS",
       TakesCommand::no,
       [](Syntax& syntax) -> Action {
         const auto arguments = std::make_shared<AlertsArguments>();
         declare_target(syntax, arguments->target);
         declare_rule(syntax, *arguments);
         syntax.option("--for", arguments->time, "TIME", "how long (1h)");
         declare_note(syntax, *arguments);
         syntax.flag("--list", arguments->list, "show what is kept quiet");
         syntax.option("--end", arguments->end, "ID", "end that silence");
         return [arguments](Invocation& invocation) { return silence(invocation, *arguments); };
       }},
      {"alerts drop",
       "forget alerts of a unit that does not end them itself",
       "For a unit that is gone for good, or was set up anew.",
       "stewardctl alerts drop ship1",
       TakesCommand::no,
       [](Syntax& syntax) -> Action {
         const auto arguments = std::make_shared<AlertsArguments>();
         declare_target(syntax, arguments->target);
         declare_rule(syntax, *arguments);
         return [arguments](Invocation& invocation) {
           return mark(invocation, *arguments, wire::AlertsRequest::Op::drop);
         };
       }}};
}

}  // namespace steward::ctl
