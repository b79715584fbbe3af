#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/screen.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/unit_text.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace steward::ctl {

namespace {

struct UnitsArguments {
  TargetArguments target;
  std::string watch;
  std::string sort = "name";
  std::string state;
};

bool is_filtered(const UnitsArguments& arguments) {
  return !arguments.target.target.empty() || !arguments.state.empty();
}

struct UnitListing {
  std::vector<wire::UnitRow> rows;
  std::vector<std::string> texts;  // of the rows, as the station wrote them
  wire::Timestamp now;             // the station's
};

// Rows of the target, sorted; each row's text follows it by name.
Result<UnitListing> list_units(Session& session, const UnitsArguments& arguments, UnitOrder order) {
  wire::QueryRequest request = all_rows();
  if (!arguments.state.empty()) {
    std::size_t begin = 0;
    while (begin <= arguments.state.size()) {
      const std::size_t end = std::min(arguments.state.find(',', begin), arguments.state.size());
      request.states.push_back(arguments.state.substr(begin, end - begin));
      if (!wire::parse_unit_state(request.states.back())) {
        return failure(
            ErrorCode::bad_config,
            fmt::format("--state '{}': of up, late, down, never, conflict", request.states.back()));
      }
      begin = end + 1;
    }
  }
  STEWARD_TRY(const auto answer,
              query_units(session, arguments.target.target, request, session.settings().timeout));
  STEWARD_TRY(auto rows, decode_unit_rows(answer));
  std::map<std::string, std::string> texts;
  std::vector<std::string> known;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    known.push_back(rows[i].unit);
    texts[rows[i].unit] = answer.rows[i];
  }
  // A state that no unit is in is no mistake in the target.
  if (!arguments.target.target.empty() && !(known.empty() && !request.states.empty())) {
    STEWARD_TRY(const auto wanted, pick_units(arguments.target, known, Purpose::look));
    const auto unwanted = [&wanted](const wire::UnitRow& row) {
      return std::find(wanted.begin(), wanted.end(), row.unit) == wanted.end();
    };
    rows.erase(std::remove_if(rows.begin(), rows.end(), unwanted), rows.end());
  }
  sort_units(rows, order);
  UnitListing listing{std::move(rows), {}, answer.station_time.value_or(wall_clock())};
  for (const wire::UnitRow& row : listing.rows) {
    listing.texts.push_back(texts[row.unit]);
  }
  return listing;
}

void print_units(Invocation& invocation, const UnitListing& listing) {
  Console& console = invocation.console;
  std::string out;
  switch (invocation.format) {
    case Format::json:
      out = fmt::format("[{}]\n", fmt::join(listing.texts, ",\n "));
      break;
    case Format::jsonl:
      for (const std::string& text : listing.texts) {
        out += text + "\n";
      }
      break;
    case Format::name:
      for (const wire::UnitRow& row : listing.rows) {
        out += row.unit + "\n";
      }
      break;
    case Format::raw:
    case Format::table:
    case Format::wide:
      if (!listing.rows.empty()) {
        const Style& style = console.look().out;
        out = unit_table(listing.rows, invocation.format, style, listing.now)
                  .render(style, console.width());
      }
      break;
  }
  console.out(out);
}

void print_with_summary(Invocation& invocation, const UnitListing& listing, bool filtered) {
  print_units(invocation, listing);
  if (!invocation.is_table()) {
    return;
  }
  Console& console = invocation.console;
  console.note(
      listing.rows.empty() && filtered ? "No unit is such."
      : listing.rows.empty()
          ? "No units yet. Add one: steward-edge run --name ship1 --broker nats://HOST:PORT"
          : console.look().err.paint(Paint::faint, unit_summary(listing.rows)));
}

std::string frame_text(Console& console,
                       Format format,
                       const Result<UnitListing>& fresh,
                       const UnitListing& latest,
                       std::chrono::milliseconds interval) {
  const Style& style = console.look().out;
  std::string out = style.paint(Paint::faint,
                                fmt::format("{}  every {}, Ctrl-C ends",
                                            clock_millis(wall_clock()).substr(0, 8),
                                            short_age(interval))) +
                    "\n";
  if (!fresh) {
    const std::string why = fresh.error().message.substr(0, fresh.error().message.find('\n'));
    out += style.paint(Paint::bad, shortened(why, console.width().value_or(80), style.ellipsis())) +
           "\n";
  }
  if (!latest.rows.empty()) {
    out += "\n" + unit_table(latest.rows, format, style, latest.now).render(style, console.width());
  }
  return out + style.paint(Paint::faint, unit_summary(latest.rows)) + "\n";
}

Exit watch_screen(Invocation& invocation,
                  Session& session,
                  const UnitsArguments& arguments,
                  UnitOrder order,
                  std::chrono::milliseconds interval) {
  UnitListing latest;
  {
    Screen screen(invocation.console);
    do {
      auto fresh = list_units(session, arguments, order);
      if (fresh) {
        latest = *fresh;
      }
      screen.show(frame_text(invocation.console, invocation.format, fresh, latest, interval));
      session.take();
    } while (session.wait(Clock::now() + interval) != Session::Woken::interrupted);
  }
  print_with_summary(invocation, latest, is_filtered(arguments));
  return Exit::ok;
}

// Where there is no screen to draw on, each round follows the last one.
Result<Exit> watch_lines(Invocation& invocation,
                         Session& session,
                         const UnitsArguments& arguments,
                         UnitOrder order,
                         std::chrono::milliseconds interval) {
  bool first = true;
  do {
    const auto fresh = list_units(session, arguments, order);
    if (!fresh && first) {
      return tl::unexpected<Error>(fresh.error());
    }
    if (!fresh) {
      invocation.console.warn(fresh.error().message);
    } else {
      if (!first && invocation.is_table()) {
        invocation.console.out("\n");
      }
      print_units(invocation, *fresh);
    }
    first = false;
    session.take();
  } while (!invocation.console.broken() &&
           session.wait(Clock::now() + interval) != Session::Woken::interrupted);
  return Exit::ok;
}

Result<Exit> units(Invocation& invocation, const UnitsArguments& arguments) {
  STEWARD_TRY(const auto order, parse_unit_order(arguments.sort));
  if (arguments.watch.empty()) {
    STEWARD_TRY(const auto session, invocation.session());
    STEWARD_TRY(const auto listing, list_units(*session, arguments, order));
    print_with_summary(invocation, listing, is_filtered(arguments));
    return Exit::ok;
  }
  STEWARD_TRY(const auto interval, parse_duration(arguments.watch));
  if (interval < std::chrono::milliseconds(100)) {
    return failure(ErrorCode::bad_config, "--watch: at least 100ms");
  }
  STEWARD_TRY(const auto session, invocation.session(std::chrono::seconds(2)));
  if (invocation.is_table() && invocation.console.look().out_is_terminal) {
    return watch_screen(invocation, *session, arguments, order, interval);
  }
  return watch_lines(invocation, *session, arguments, order, interval);
}

}  // namespace

Verb units_verb() {
  return {
      "units",
      "the live table of units",
      "up: said hello in time. late: missed one and a half intervals. down: missed three, or said\n"
      "bye. never: known, not seen yet. conflict: two machines answer to one name.",
      "stewardctl units\n"
      "stewardctl units 'ship*' -w\n"
      "stewardctl units 'os=debian and not (site=oslo or load1>4)'\n"
      "stewardctl units -o wide --sort state\n"
      "stewardctl units --state late,down -o name",
      TakesCommand::no,
      [](Syntax& syntax) -> Action {
        const auto arguments = std::make_shared<UnitsArguments>();
        syntax.positional("TARGET", arguments->target.target, Syntax::Presence::optional);
        syntax.flag_with_value(
            "-w,--watch", arguments->watch, "1s", "TIME", "show it again and again (1s)");
        syntax.option("--sort", arguments->sort, "KEY", "name, state, seen, rtt or open (name)");
        syntax.option("--state", arguments->state, "STATE,...", "only units in these states");
        return [arguments](Invocation& invocation) { return units(invocation, *arguments); };
      }};
}

}  // namespace steward::ctl
