#include "tools/stewardctl/daemon_list.hpp"

#include "subjects/wire/daemon.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/table.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/watch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>

namespace steward::ctl {

namespace {

using std::chrono::milliseconds;
using wire::DaemonState;

struct DaemonListArguments {
  TargetArguments target;
  std::string watch;
};

// What the station knows at one moment.
struct Daemons {
  std::vector<wire::UnitDaemon> rows;
  std::vector<std::string> texts;                // of the rows, as the station wrote them
  std::map<std::string, wire::UnitState> units;  // those meant
  wire::Timestamp now;                           // the station's
};

Result<Daemons> ask_station(Session& session, const TargetArguments& target) {
  STEWARD_TRY(const auto known,
              query_units(session, target.target, all_rows(), session.settings().timeout));
  STEWARD_TRY(const auto units, decode_unit_rows(known));
  STEWARD_TRY(const auto meant, pick_units(target, names_of(units), Purpose::look));
  Daemons daemons;
  daemons.now = known.station_time.value_or(wall_clock());
  auto request = all_rows();
  request.units = meant;
  if (meant.empty()) {
    return daemons;
  }
  for (const auto& unit : units) {
    daemons.units[unit.unit] = unit.state;
  }
  STEWARD_TRY(auto answer, session.query("daemons", request));
  daemons.texts = std::move(answer.rows);
  for (const auto& text : daemons.texts) {
    STEWARD_TRY(auto row, wire::decode_unit_daemon(text));
    daemons.rows.push_back(std::move(row));
  }
  return daemons;
}

Paint paint_of(const wire::DaemonRow& row) {
  if (row.state == DaemonState::ready) {
    return Paint::good;
  }
  const bool fails = row.state == DaemonState::failed || row.state == DaemonState::backoff;
  return !row.wanted ? Paint::faint : fails ? Paint::bad : Paint::warning;
}

// Of a unit that is not there its last word is all that is known.
Cell state_cell(const wire::DaemonRow& row, wire::UnitState unit) {
  std::string state(wire::word(row.state));
  if (unit != wire::UnitState::up) {
    return {fmt::format("{} (unit {})", state, wire::word(unit)), Paint::faint};
  }
  return {std::move(state), paint_of(row)};
}

std::string exit_text(const wire::DaemonRow& row) {
  if (!row.last_exit) {
    return "";
  }
  return row.last_exit->exit_code        ? std::to_string(*row.last_exit->exit_code)
         : row.last_exit->signal.empty() ? "?"
                                         : row.last_exit->signal;
}

std::string table_text(const Invocation& invocation, const Daemons& daemons) {
  Table table({{"UNIT"},
               {"DAEMON"},
               {"STATE"},
               {"PID", Align::right},
               {"RESTARTS", Align::right},
               {"EXIT", Align::right},
               {"AGE", Align::right},
               {"WHY"}});
  for (const auto& one : daemons.rows) {
    const auto& row = one.daemon;
    const auto unit = daemons.units.find(one.unit);
    const auto age = row.since ? daemons.now - *row.since : std::chrono::microseconds(0);
    table.add({{one.unit},
               {row.name},
               state_cell(row, unit == daemons.units.end() ? wire::UnitState::never : unit->second),
               {row.pid == 0 ? "" : std::to_string(row.pid)},
               {std::to_string(row.restarts)},
               {exit_text(row)},
               {short_age(std::chrono::floor<std::chrono::seconds>(age))},
               {one_line(row.reason.empty() ? row.status : row.reason)}});
  }
  const auto& console = invocation.console;
  return daemons.rows.empty() ? "" : table.render(console.look().out, console.width());
}

std::string text_of(const Invocation& invocation, const Daemons& daemons) {
  if (invocation.is_table()) {
    return table_text(invocation, daemons);
  }
  if (invocation.format == Format::json) {
    return fmt::format("[{}]\n", fmt::join(daemons.texts, ",\n "));
  }
  std::string out;
  for (std::size_t i = 0; i < daemons.rows.size(); ++i) {
    const auto& one = daemons.rows[i];
    out +=
        (invocation.format == Format::name ? one.unit + " " + one.daemon.name : daemons.texts[i]) +
        "\n";
  }
  return out;
}

Result<Exit> list_daemons(Invocation& invocation, const DaemonListArguments& arguments) {
  STEWARD_TRY(const auto session, invocation.session());
  if (!arguments.watch.empty()) {
    return watch(invocation, *session, arguments.watch, [&]() -> Result<std::string> {
      STEWARD_TRY(const auto daemons, ask_station(*session, arguments.target));
      return text_of(invocation, daemons);
    });
  }
  STEWARD_TRY(const auto daemons, ask_station(*session, arguments.target));
  invocation.console.out(text_of(invocation, daemons));
  if (invocation.is_table() && daemons.rows.empty()) {
    invocation.console.note("No daemons. Add one: stewardctl daemons apply ship1 web.toml");
  }
  return Exit::ok;
}

}  // namespace

Action declare_daemon_list(Syntax& syntax) {
  const auto arguments = std::make_shared<DaemonListArguments>();
  declare_target(syntax, arguments->target);
  syntax.flag_with_value(
      "-w,--watch", arguments->watch, "2s", "TIME", "show it again and again (2s)");
  return [arguments](Invocation& invocation) { return list_daemons(invocation, *arguments); };
}

}  // namespace steward::ctl
