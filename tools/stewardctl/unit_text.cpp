#include "tools/stewardctl/unit_text.hpp"

#include "tools/stewardctl/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace steward::ctl {

namespace {

constexpr std::array<std::string_view, 5> kUnitOrders{"name", "state", "seen", "rtt", "open"};

std::string age_or_never(std::optional<wire::Timestamp> time, wire::Timestamp now) {
  return time ? short_age(std::chrono::floor<std::chrono::seconds>(now - *time)) : "-";
}

// The units that want attention first.
int urgency(wire::UnitState state) {
  switch (state) {
    case wire::UnitState::conflict:
      return 0;
    case wire::UnitState::down:
      return 1;
    case wire::UnitState::late:
      return 2;
    case wire::UnitState::never:
      return 3;
    case wire::UnitState::up:
      break;
  }
  return 4;
}

// "ship" 2 < "ship" 10: runs of digits compare by length, then by text.
bool natural_less(std::string_view a, std::string_view b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto number = [&digit](std::string_view& rest) {
    std::size_t end = 0;
    while (end < rest.size() && digit(rest[end])) {
      ++end;
    }
    std::string_view out = rest.substr(0, end);
    rest.remove_prefix(end);
    out.remove_prefix(std::min(out.find_first_not_of('0'), out.size()));
    return out;
  };
  std::string_view x = a;
  std::string_view y = b;
  while (!x.empty() && !y.empty()) {
    if (digit(x[0]) && digit(y[0])) {
      const auto m = number(x);
      const auto n = number(y);
      if (m != n) {
        return m.size() != n.size() ? m.size() < n.size() : m < n;
      }
    } else {
      if (x[0] != y[0]) {
        return x[0] < y[0];
      }
      x.remove_prefix(1);
      y.remove_prefix(1);
    }
  }
  return x.empty() != y.empty() ? x.empty() : a < b;
}

std::size_t handlers_not_running(const wire::UnitRow& row) {
  return static_cast<std::size_t>(
      std::count_if(row.hello.handlers.begin(), row.hello.handlers.end(), [](const auto& handler) {
        return handler.state != "running";
      }));
}

Cell handlers_cell(const wire::UnitRow& row) {
  const std::size_t sick = handlers_not_running(row);
  const std::size_t count = row.hello.handlers.size();
  return {sick == 0 ? fmt::format("{}", count) : fmt::format("{}/{}!", count - sick, count),
          sick == 0 ? Paint::plain : Paint::bad};
}

// "0", "3 for 12s".
std::string outbox_text(const wire::Hello& hello) {
  if (hello.outbox_depth == 0) {
    return "0";
  }
  return fmt::format("{} for {}", hello.outbox_depth, short_age(hello.outbox_oldest));
}

Cell count_cell(std::int64_t count, Paint paint) {
  return {fmt::format("{}", count), count == 0 ? Paint::faint : paint};
}

}  // namespace

Cell state_cell(wire::UnitState state, const Style& style) {
  const auto cell = [&style, state](Mark mark, Paint paint) -> Cell {
    return {fmt::format("{} {}", style.mark(mark), wire::word(state)), paint};
  };
  switch (state) {
    case wire::UnitState::up:
      return cell(Mark::good, Paint::good);
    case wire::UnitState::late:
      return cell(Mark::partial, Paint::warning);
    case wire::UnitState::down:
      return cell(Mark::absent, Paint::bad);
    case wire::UnitState::conflict:
      return cell(Mark::bad, Paint::bad);
    case wire::UnitState::never:
      break;
  }
  return cell(Mark::absent, Paint::faint);
}

std::string short_end(std::optional<std::chrono::milliseconds> end, wire::Timestamp now) {
  if (!end) {
    return "-";
  }
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(wire::Timestamp(*end) - now);
  return left.count() < 0 ? short_age(-left) + " ago" : "in " + short_age(left);
}

Table unit_table(const std::vector<wire::UnitRow>& rows,
                 Format format,
                 const Style& style,
                 wire::Timestamp now) {
  const bool wide = format == Format::wide;
  std::vector<Column> columns{{"STATE"},
                              {"UNIT"},
                              {"FOR", Align::right},
                              {"SEEN", Align::right},
                              {"RTT", Align::right},
                              {"OPEN", Align::right},
                              {"DONE", Align::right},
                              {"FAILED", Align::right},
                              {"AGENT"}};
  if (wide) {
    columns.insert(columns.end(),
                   {{"SOURCE"},
                    {"UPTIME", Align::right},
                    {"OUTBOX", Align::right},
                    {"LEDGER", Align::right},
                    {"HANDLERS", Align::right},
                    {"LOGIN", Align::right},
                    {"IDENTITY", Align::right},
                    {"SESSION"}});
  }
  Table table(std::move(columns));
  for (const wire::UnitRow& row : rows) {
    const bool seen = row.state != wire::UnitState::never;
    std::vector<Cell> cells{state_cell(row.state, style),
                            {row.unit},
                            {age_or_never(row.since, now)},
                            {age_or_never(row.last_seen, now)},
                            {short_rtt(row.hello.rtt)},
                            count_cell(row.commands.open, Paint::warning),
                            count_cell(row.commands.done, Paint::plain),
                            count_cell(row.commands.failed, Paint::bad),
                            {row.hello.agent_version.empty() ? "-" : row.hello.agent_version}};
    if (wide) {
      cells.insert(cells.end(),
                   {{row.source},
                    {seen ? short_age(row.hello.uptime) : "-"},
                    {outbox_text(row.hello)},
                    {fmt::format("{}", row.hello.ledger_open)},
                    handlers_cell(row),
                    {short_end(row.hello.login_expires, now)},
                    {short_end(row.hello.authority_expires, now)},
                    {row.hello.session}});
    }
    table.add(std::move(cells));
  }
  return table;
}

std::string unit_summary(const std::vector<wire::UnitRow>& rows) {
  std::string out = counted(rows.size(), "unit");
  std::int64_t open = 0;
  std::string_view separator = ": ";
  for (const auto state : {wire::UnitState::up,
                           wire::UnitState::late,
                           wire::UnitState::down,
                           wire::UnitState::never,
                           wire::UnitState::conflict}) {
    const auto count = std::count_if(
        rows.begin(), rows.end(), [state](const auto& row) { return row.state == state; });
    if (count > 0) {
      out += fmt::format("{}{} {}", separator, count, wire::word(state));
      separator = ", ";
    }
  }
  for (const wire::UnitRow& row : rows) {
    open += row.commands.open;
  }
  return open == 0
             ? out
             : out + fmt::format(" ({} open)", counted(static_cast<std::size_t>(open), "command"));
}

Result<UnitOrder> parse_unit_order(std::string_view text) {
  const auto* const found = std::find(kUnitOrders.begin(), kUnitOrders.end(), text);
  if (found == kUnitOrders.end()) {
    return failure(ErrorCode::bad_config,
                   fmt::format("--sort '{}': one of name, state, seen, rtt, open", text));
  }
  return static_cast<UnitOrder>(found - kUnitOrders.begin());
}

void sort_units(std::vector<wire::UnitRow>& rows, UnitOrder order) {
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return natural_less(a.unit, b.unit);
  });
  const auto by = [&rows](const auto& key) {
    std::stable_sort(
        rows.begin(), rows.end(), [&key](const auto& a, const auto& b) { return key(a) < key(b); });
  };
  switch (order) {
    case UnitOrder::name:
      break;
    case UnitOrder::state:
      by([](const wire::UnitRow& row) { return urgency(row.state); });
      break;
    case UnitOrder::seen:
      by([](const wire::UnitRow& row) { return row.last_seen.value_or(wire::Timestamp{}); });
      break;
    case UnitOrder::rtt:
      by([](const wire::UnitRow& row) {
        return -row.hello.rtt.value_or(std::chrono::microseconds(-1)).count();
      });
      break;
    case UnitOrder::open:
      by([](const wire::UnitRow& row) { return -row.commands.open; });
      break;
  }
}

}  // namespace steward::ctl
