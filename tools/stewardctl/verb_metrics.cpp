#include "subjects/wire/metrics.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/metric_looks.hpp"
#include "tools/stewardctl/metric_query.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"
#include "tools/stewardctl/watch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace steward::ctl {

namespace {

struct MetricsArguments {
  TargetArguments target;
  std::vector<std::string> keys;
  std::string watch;
  bool rate = false;
};

// With --all there is no TARGET: the first positional is a metric like the others.
void settle_metric_positionals(MetricsArguments& arguments) {
  if (arguments.target.all && !arguments.target.target.empty()) {
    arguments.keys.insert(arguments.keys.begin(), std::move(arguments.target.target));
    arguments.target.target.clear();
  }
}

// As many digits as tell something.
std::string shown_number(double value) { return fmt::format("{:.10g}", value); }

Table values_table(const MetricLooks& looks, bool rate) {
  const bool one = looks.units().size() == 1;
  const Column value{rate ? "VALUE OR GROWTH/s" : "VALUE", Align::right};
  Table table(one ? std::vector<Column>{{"METRIC"}, value}
                  : std::vector<Column>{{"UNIT"}, {"METRIC"}, value});
  for (const auto& [name, unit] : looks.units()) {
    auto values = rate ? rates(unit) : unit.now.counters;
    values.insert(unit.now.gauges.begin(), unit.now.gauges.end());
    for (const auto& [key, number] : values) {
      std::vector<Cell> row{{one_line(key)}, {shown_number(number)}};
      if (!one) {
        row.insert(row.begin(), Cell{name});
      }
      table.add(std::move(row));
    }
  }
  return table;
}

// As the station tells them; with --rate the counters are growth per second.
std::string json_of_metrics(const MetricLooks::Unit& unit, bool rate) {
  auto row = unit.now;
  if (rate) {
    row.counters = rates(unit);
  }
  return wire::encode(row);
}

std::string text_of(Invocation& invocation, const MetricLooks& looks, bool rate) {
  std::vector<std::string> texts;
  for (const auto& [name, unit] : looks.units()) {
    texts.push_back(invocation.format == Format::name ? name : json_of_metrics(unit, rate));
  }
  if (invocation.format == Format::json) {
    return fmt::format("[{}]\n", fmt::join(texts, ",\n "));
  }
  if (!invocation.is_table()) {
    return texts.empty() ? "" : fmt::format("{}\n", fmt::join(texts, "\n"));
  }
  const Table table = values_table(looks, rate);
  const Console& console = invocation.console;
  return table.size() == 0 ? "" : table.render(console.look().out, console.width());
}

Result<Exit> metrics(Invocation& invocation, MetricsArguments arguments) {
  settle_metric_positionals(arguments);
  for (const auto& key : arguments.keys) {
    if (!wire::is_metric_pattern(key)) {
      return failure(ErrorCode::bad_config,
                     fmt::format("'{}' is no metric: write load1, or "
                                 "filesystem_avail_bytes{{mountpoint=\"/\"}}",
                                 key));
    }
  }
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto query, MetricQuery::prepare(*session, arguments.target, arguments.keys));
  MetricLooks looks;
  if (!arguments.watch.empty()) {
    return watch(invocation, *session, arguments.watch, [&]() -> Result<std::string> {
      STEWARD_TRY(const auto rows, query.ask(*session));
      looks.take(rows);
      return text_of(invocation, looks, arguments.rate);
    });
  }
  STEWARD_TRY(const auto rounds, query.look(*session, looks, arguments.rate ? 2 : 1));
  invocation.console.out(text_of(invocation, looks, arguments.rate));
  if (looks.units().empty() && rounds) {
    invocation.console.note("Nothing is known of them just now: they are away, or began just now.");
  }
  return rounds ? Exit::ok : Exit::interrupted;
}

}  // namespace

Verb metrics_verb() {
  return {"metrics",
          "what units measure",
          "Of the last round of each unit that is there. METRIC: load1, or one of some:\n"
          "'filesystem_avail_bytes{mountpoint=\"/\"}'. --rate waits for a second round and shows\n"
          "how counters grow.",
          "stewardctl metrics ship1\n"
          "stewardctl metrics 'site=oslo' load1 memory_MemAvailable_bytes\n"
          "stewardctl metrics ship1 network_receive_bytes_total --rate -w",
          TakesCommand::no,
          [](Syntax& syntax) -> Action {
            const auto arguments = std::make_shared<MetricsArguments>();
            declare_target(syntax, arguments->target);
            syntax.positional("METRIC", arguments->keys);
            syntax.flag("--rate", arguments->rate, "counters as growth per second");
            syntax.flag_with_value(
                "-w,--watch", arguments->watch, "2s", "TIME", "show it again and again (2s)");
            return [arguments](Invocation& invocation) { return metrics(invocation, *arguments); };
          }};
}

}  // namespace steward::ctl
