#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/metric_looks.hpp"
#include "tools/stewardctl/metric_query.hpp"
#include "tools/stewardctl/screen.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace steward::ctl {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kChartWidth = 20;
constexpr milliseconds kKeyPause{100};

// The key that sorts by a column is its first letter.
constexpr std::array<std::string_view, 7> kTopOrders{
    "cpu", "load", "memory", "disk", "in", "out", "name"};

struct TopArguments {
  TargetArguments target;
  std::string sort = "cpu";
  std::string interval = "2s";
};

struct Line {
  std::string unit;
  Glance glance;
  std::deque<double> cpu;
};

std::optional<double> sorted_by(const Line& line, std::string_view order) {
  const Glance& glance = line.glance;
  const std::array<std::optional<double>, 6> values{
      glance.cpu, glance.load, glance.memory, glance.disk, glance.in, glance.out};
  const auto* const at = std::find(kTopOrders.begin(), kTopOrders.end(), order);
  const auto index = static_cast<std::size_t>(at - kTopOrders.begin());
  return index < values.size() ? values[index] : std::nullopt;
}

// The largest first; what is not known last.
std::vector<Line> lines_of(const MetricLooks& looks, std::string_view order) {
  std::vector<Line> lines;
  for (const auto& [name, unit] : looks.units()) {
    lines.push_back({name, glance(unit), unit.cpu});
  }
  std::stable_sort(lines.begin(), lines.end(), [order](const Line& a, const Line& b) {
    return sorted_by(a, order).value_or(-1) > sorted_by(b, order).value_or(-1);
  });
  return lines;
}

Cell share_cell(std::optional<double> share) {
  if (!share) {
    return {"-", Paint::faint};
  }
  return {fmt::format("{:.0f}%", *share * 100),
          *share > 0.95   ? Paint::bad
          : *share > 0.85 ? Paint::warning
                          : Paint::plain};
}

Cell rate_cell(std::optional<double> rate) {
  return rate ? Cell{short_bytes(static_cast<std::uint64_t>(std::max(0.0, *rate))) + "/s"}
              : Cell{"-", Paint::faint};
}

Table top_table(const std::vector<Line>& lines, const Style& style, bool charts) {
  std::vector<Column> columns{{"UNIT"},
                              {"CPU", Align::right},
                              {"LOAD", Align::right},
                              {"MEMORY", Align::right},
                              {"DISK", Align::right},
                              {"IN", Align::right},
                              {"OUT", Align::right}};
  if (charts) {
    columns.push_back({"CPU OF LATE"});
  }
  Table table(std::move(columns));
  for (const auto& line : lines) {
    const Glance& glance = line.glance;
    table.add({{line.unit, Paint::strong},
               share_cell(glance.cpu),
               glance.load ? Cell{fmt::format("{:.2f}", *glance.load)} : Cell{"-", Paint::faint},
               share_cell(glance.memory),
               share_cell(glance.disk),
               rate_cell(glance.in),
               rate_cell(glance.out),
               {charts ? chart(line.cpu, kChartWidth, style.letters == Letters::ascii) : "",
                Paint::good}});
  }
  return table;
}

nlohmann::json json_of_line(const Line& line) {
  const auto value = [](std::optional<double> number) {
    return number ? nlohmann::json(*number) : nlohmann::json(nullptr);
  };
  const Glance& glance = line.glance;
  return {{"unit", line.unit},
          {"cpu", value(glance.cpu)},
          {"load", value(glance.load)},
          {"memory", value(glance.memory)},
          {"disk", value(glance.disk)},
          {"in_bytes", value(glance.in)},
          {"out_bytes", value(glance.out)}};
}

// Where there is no screen: one look at two rounds.
Result<Exit> once(Invocation& invocation,
                  Session& session,
                  const MetricQuery& query,
                  std::string_view order) {
  MetricLooks looks;
  STEWARD_TRY(const bool whole, query.look(session, looks, 2));
  const auto lines = lines_of(looks, order);
  Console& console = invocation.console;
  if (invocation.is_table()) {
    if (!lines.empty()) {
      console.out(
          top_table(lines, console.look().out, false).render(console.look().out, console.width()));
    }
    return whole ? Exit::ok : Exit::interrupted;
  }
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& line : lines) {
    if (invocation.format == Format::json) {
      rows.push_back(json_of_line(line));
    } else {
      console.out((invocation.format == Format::name ? line.unit : json_of_line(line).dump()) +
                  "\n");
    }
  }
  if (invocation.format == Format::json) {
    console.out(rows.dump() + "\n");
  }
  return whole ? Exit::ok : Exit::interrupted;
}

enum class Pressed { nothing, order, quit };

Pressed press(std::string_view keys, std::string& order) {
  for (const char key : keys) {
    if (key == 'q') {
      return Pressed::quit;
    }
    const auto* const at = std::find_if(
        kTopOrders.begin(), kTopOrders.end(), [key](auto name) { return name.front() == key; });
    if (at != kTopOrders.end()) {
      order = *at;
      return Pressed::order;
    }
  }
  return Pressed::nothing;
}

std::string frame(Console& console,
                  const MetricLooks& looks,
                  const std::string& order,
                  const std::string& trouble) {
  const Style& style = console.look().out;
  std::string text = style.paint(Paint::faint,
                                 fmt::format("{}  {} by {}   c l m d i o n: sort   q: end",
                                             clock_millis(wall_clock()).substr(0, 8),
                                             counted(looks.units().size(), "unit"),
                                             order));
  text += "\n";
  if (!trouble.empty()) {
    text += style.paint(Paint::bad, one_line(trouble)) + "\n";
  }
  return text + "\n" +
         top_table(lines_of(looks, order), style, true).render(style, console.width());
}

Exit full_screen(Invocation& invocation,
                 Session& session,
                 const MetricQuery& query,
                 std::string order,
                 milliseconds interval) {
  Screen screen(invocation.console);
  Keys keys;
  MetricLooks looks;
  std::string trouble;
  auto next = Clock::now();
  while (!invocation.console.broken()) {
    if (Clock::now() >= next) {
      const auto rows = query.ask(session);
      trouble = rows ? "" : rows.error().message;
      if (rows) {
        looks.take(*rows);
      }
      next = Clock::now() + interval;
      screen.show(frame(invocation.console, looks, order, trouble));
    }
    session.take();
    if (session.wait(std::min(next, Clock::now() + kKeyPause)) == Session::Woken::interrupted) {
      break;
    }
    const auto pressed = press(keys.take(), order);
    if (pressed == Pressed::quit) {
      break;
    }
    if (pressed == Pressed::order) {
      screen.show(frame(invocation.console, looks, order, trouble));
    }
  }
  return Exit::ok;
}

Result<Exit> top(Invocation& invocation, const TopArguments& arguments) {
  if (std::find(kTopOrders.begin(), kTopOrders.end(), arguments.sort) == kTopOrders.end()) {
    return failure(
        ErrorCode::bad_config,
        fmt::format("--sort '{}': of cpu, load, memory, disk, in, out, name", arguments.sort));
  }
  STEWARD_TRY(const auto interval, parse_duration(arguments.interval));
  if (interval < milliseconds(100)) {
    return failure(ErrorCode::bad_config, "--interval: at least 100ms");
  }
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto query, MetricQuery::prepare(*session, arguments.target, glance_keys()));
  if (invocation.is_table() && invocation.console.look().out_is_terminal) {
    return full_screen(invocation, *session, query, arguments.sort, interval);
  }
  return once(invocation, *session, query, arguments.sort);
}

}  // namespace

Verb top_verb() {
  return {
      "top",
      "units at a glance, live",
      "CPU, load, memory, the fullest disk, network, and a chart of the CPU. Keys sort it: c l\n"
      "m d i o n; q ends it. Where there is no terminal it shows one look.",
      "stewardctl top\n"
      "stewardctl top 'site=oslo' --sort memory\n"
      "stewardctl top -o json",
      TakesCommand::no,
      [](Syntax& syntax) -> Action {
        const auto arguments = std::make_shared<TopArguments>();
        syntax.positional("TARGET", arguments->target.target, Syntax::Presence::optional);
        syntax.option(
            "--sort", arguments->sort, "KEY", "cpu, load, memory, disk, in, out, name (cpu)");
        syntax.option("--interval", arguments->interval, "TIME", "how often it looks (2s)");
        return [arguments](Invocation& invocation) { return top(invocation, *arguments); };
      }};
}

}  // namespace steward::ctl
