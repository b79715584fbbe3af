#include "subjects/wire/fields.hpp"
#include "subjects/wire/reboot_lease.hpp"
#include "tools/stewardctl/format.hpp"
#include "tools/stewardctl/targets.hpp"
#include "tools/stewardctl/unit_text.hpp"
#include "tools/stewardctl/verb.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace steward::ctl {

namespace {

constexpr std::size_t kHistoryShown = 10;

std::string when(std::optional<wire::Timestamp> time, wire::Timestamp now) {
  if (!time) {
    return "-";
  }
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - *time);
  return fmt::format("{} ({} ago)", date_time(*time), short_age(age));
}

Table table_of_unit(const wire::UnitRow& row, const Style& style, wire::Timestamp now) {
  Table table({{""}, {""}});
  const auto add = [&table](std::string_view name, const std::string& text) {
    if (!text.empty()) {
      table.add({{std::string(name), Paint::faint}, {one_line(text)}});
    }
  };
  Cell state = state_cell(row.state, style);
  state.text += fmt::format("  ({})", row.source.empty() ? "-" : row.source);
  table.add({{"state", Paint::faint}, state});
  add("since", when(row.since, now));
  add("last seen", when(row.last_seen, now));
  if (row.state != wire::UnitState::never) {
    add("agent", fmt::format("{}  up {}", row.hello.agent_version, short_age(row.hello.uptime)));
    add("session", row.hello.session);
    add("other session", row.other_session);
    add("boot", row.hello.boot_id);
    if (row.hello.policy) {
      add("policy", *row.hello.policy == 0 ? "none yet" : fmt::format("{}", *row.hello.policy));
    }
    if (row.hello.login_expires) {
      add("login ends", short_end(row.hello.login_expires, now) + ", renewed by itself");
    }
    if (row.hello.authority_expires) {
      add("identity ends", short_end(row.hello.authority_expires, now));
    }
    add("hello every", short_age(row.hello.interval));
    add("rtt to broker", short_rtt(row.hello.rtt));
    add("outbox",
        row.hello.outbox_depth == 0
            ? "empty"
            : fmt::format("{}, oldest {}",
                          counted(static_cast<std::size_t>(row.hello.outbox_depth), "event"),
                          short_age(row.hello.outbox_oldest)));
  }
  add("commands",
      fmt::format("{} open, {} done, {} failed",
                  row.commands.open,
                  row.commands.done,
                  row.commands.failed));
  return table;
}

std::string figures_text(const wire::HandlerState& handler) {
  std::string text;
  for (const auto& [name, value] : handler.figures) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  }
  return text;
}

Table handlers_table(const wire::UnitRow& row) {
  Table table({{"HANDLER"}, {"DOMAIN"}, {"STATE"}, {"RESTARTS", Align::right}, {"FIGURES"}});
  for (const wire::HandlerState& handler : row.hello.handlers) {
    table.add({{handler.method},
               {handler.domain},
               {handler.state, handler.state == "running" ? Paint::good : Paint::bad},
               {fmt::format("{}", handler.restarts)},
               {figures_text(handler)}});
  }
  return table;
}

// What the station knows of one unit; of what it does not know there is none.
template <class Row>
std::vector<Row> rows_of(Session& session,
                         const std::string& what,
                         const std::string& unit,
                         Result<Row> (*decode)(std::string_view)) {
  wire::QueryRequest request = all_rows();
  request.units = {unit};
  const auto answer = session.query(what, request);
  std::vector<Row> out;
  if (answer) {
    for (const std::string& text : answer->rows) {
      auto row = decode(text);
      if (row && row->unit == unit) {
        out.push_back(*std::move(row));
      }
    }
  }
  return out;
}

// "waits for its lease since 10:00:00 (3m ago)"
Cell lease_cell(const wire::RebootLease& lease, wire::Timestamp now) {
  switch (lease.state) {
    case wire::LeaseState::waiting:
      return {"waits for a lease since " + when(lease.since, now)};
    case wire::LeaseState::held:
      return {"has the lease until " + date_time(lease.expires.value_or(now)), Paint::warning};
    case wire::LeaseState::overdue:
      return {"overdue: had the lease, and is not done since " + when(lease.since, now),
              Paint::bad};
    case wire::LeaseState::refused:
      break;
  }
  return {one_line("refuses the lease: " + lease.why), Paint::bad};
}

Table history_table(const std::vector<wire::HistoryRow>& rows) {
  Table table({{"AT"}, {"WHAT"}, {""}});
  const std::size_t begin = rows.size() - std::min(rows.size(), kHistoryShown);
  for (std::size_t i = begin; i < rows.size(); ++i) {
    table.add({{date_time(rows[i].at)}, {rows[i].what}, {one_line(rows[i].text)}});
  }
  return table;
}

Result<Exit> show_unit(Invocation& invocation, const std::string& name) {
  if (auto good = wire::NodeName::parse(name); !good) {
    return failure(ErrorCode::bad_config, good.error().message);
  }
  STEWARD_TRY(const auto session, invocation.session());
  STEWARD_TRY(const auto answer, session->query("units", all_rows()));
  STEWARD_TRY(const auto rows, decode_unit_rows(answer));
  const auto known = names_of(rows);
  TargetArguments target;
  target.target = name;
  STEWARD_TRY([[maybe_unused]] const auto picked, pick_units(target, known, Purpose::look));
  const auto found =
      static_cast<std::size_t>(std::find(known.begin(), known.end(), name) - known.begin());
  const auto history = rows_of(*session, "history", name, &wire::decode_history_row);
  const auto leases = rows_of(*session, "reboots", name, &wire::decode_reboot_lease);
  Console& console = invocation.console;
  if (invocation.format == Format::name) {
    console.out(name + "\n");
  } else if (!invocation.is_table()) {
    STEWARD_TRY(auto object, wire::parse_json(answer.rows[found]));
    object["history"] = nlohmann::json::array();
    for (const auto& row : history) {
      STEWARD_TRY(auto step, wire::parse_json(wire::encode(row)));
      object["history"].push_back(std::move(step));
    }
    for (const auto& lease : leases) {
      STEWARD_TRY(auto row, wire::parse_json(wire::encode(lease)));
      object["reboots"].push_back(std::move(row));
    }
    console.out(object.dump(invocation.format == Format::json ? 2 : -1) + "\n");
  } else {
    const Style& style = console.look().out;
    const auto width = console.width();
    const auto now = answer.station_time.value_or(wall_clock());
    Table table = table_of_unit(rows[found], style, now);
    for (const auto& lease : leases) {
      table.add({{"reboot", Paint::faint}, lease_cell(lease, now)});
    }
    std::string out =
        style.paint(Paint::strong, name) + "\n" + table.render(style, width, Table::Titles::hidden);
    if (!rows[found].hello.handlers.empty()) {
      out += "\n" + handlers_table(rows[found]).render(style, width);
    }
    if (!history.empty()) {
      out += "\n" + history_table(history).render(style, width);
    }
    console.out(out);
  }
  return Exit::ok;
}

}  // namespace

Verb show_verb() {
  return {"show",
          "all that is known of one unit",
          "",
          "stewardctl show ship1\n"
          "stewardctl show ship1 -o json",
          TakesCommand::no,
          [](Syntax& syntax) -> Action {
            const auto name = std::make_shared<std::string>();
            syntax.positional("UNIT", *name, Syntax::Presence::required);
            return [name](Invocation& invocation) { return show_unit(invocation, *name); };
          }};
}

}  // namespace steward::ctl
