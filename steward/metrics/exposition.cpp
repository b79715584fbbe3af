#include "steward/metrics/exposition.hpp"

#include "subjects/wire/alert.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <set>
#include <utility>

namespace steward::station {
namespace {

constexpr std::array<std::string_view, 3> kTypes{"gauge", "counter", "untyped"};

// Families, and the figure of a unit's updates that each shows.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kUpdates{
    {{"steward_unit_updates_pending", "updates"},
     {"steward_unit_updates_security_pending", "security"},
     {"steward_unit_reboot_required", "reboot_required"},
     {"steward_unit_update_failed", "last_failed"}}};

constexpr std::array<std::string_view, 5> kLinkStates{"up", "late", "down", "never", "conflict"};

void append_type(std::string& out, std::string_view name, std::string_view type) {
  out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void append_number(std::string& out, double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  out.append(text.data(), end.ptr);
}

void append_value(std::string& out, std::int64_t number, const MetricFamilies::Line& line) {
  std::array<char, 32> text{};
  if (line.multiplier == 1 && line.divisor == 1) {
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number);
    out.append(text.data(), end.ptr);
    return;
  }
  append_number(out, static_cast<double>(number) * line.multiplier / line.divisor);
}

void append_escaped(std::string& out, std::string_view value) {
  for (const char letter : value) {
    if (letter == '\n') {
      out += "\\n";
      continue;
    }
    if (letter == '"' || letter == '\\') {
      out += '\\';
    }
    out += letter;
  }
}

bool is_ours(std::string_view name) {
  return name.starts_with("steward_unit_") || name.starts_with("steward_station_");
}

void write_lines(std::string& out,
                 const MetricFamilies::Family& family,
                 std::string_view unit,
                 const std::vector<std::int64_t>& numbers) {
  for (const auto& line : family.lines) {
    const std::int64_t number = numbers[line.number];
    if (number == wire::kAbsent) {
      continue;
    }
    out.append(line.head).append(unit).append("\"} ");
    append_value(out, number, line);
    out += '\n';
  }
}

double seconds(wire::Timestamp time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

// Families of the fleet's state, a line for each unit.
class FleetWriter {
 public:
  FleetWriter(std::string& out, const std::vector<wire::UnitRow>& units)
      : out_(out), units_(units) {}

  using Value = std::function<std::optional<double>(const wire::UnitRow&)>;

  void family(std::string_view name, std::string_view type, const Value& value) {
    labelled(name, type, "", value);
  }

  // `label`: more of the labels, as ,state="up"; the type is told once.
  void labelled(std::string_view name,
                std::string_view type,
                const std::string& label,
                const Value& value) {
    if (!type.empty()) {
      append_type(out_, name, type);
    }
    for (const auto& row : units_) {
      if (const auto number = value(row)) {
        out_.append(name)
            .append("{unit=\"")
            .append(row.unit)
            .append("\"")
            .append(label)
            .append("} ");
        append_number(out_, *number);
        out_ += '\n';
      }
    }
  }

 private:
  std::string& out_;
  const std::vector<wire::UnitRow>& units_;
};

void write_fleet(std::string& out,
                 const std::vector<wire::UnitRow>& units,
                 const std::map<std::string, FleetView::Alerts>& alerts) {
  using Row = wire::UnitRow;
  FleetWriter write(out, units);
  write.family("steward_unit_up", "gauge", [](const Row& row) {
    return row.state == wire::UnitState::up ? 1.0 : 0.0;
  });
  std::string_view type = "gauge";
  for (const auto state : kLinkStates) {
    write.labelled("steward_unit_state",
                   std::exchange(type, ""),
                   ",state=\"" + std::string(state) + "\"",
                   [state](const Row& row) { return wire::word(row.state) == state ? 1.0 : 0.0; });
  }
  write.family("steward_unit_last_seen_timestamp_seconds",
               "gauge",
               [](const Row& row) -> std::optional<double> {
                 return row.last_seen ? std::optional(seconds(*row.last_seen)) : std::nullopt;
               });
  write.family("steward_unit_commands_open", "gauge", [](const Row& row) {
    return static_cast<double>(row.commands.open);
  });
  write.labelled("steward_unit_commands_total", "counter", ",outcome=\"done\"", [](const Row& row) {
    return static_cast<double>(row.commands.done);
  });
  write.labelled("steward_unit_commands_total", "", ",outcome=\"failed\"", [](const Row& row) {
    return static_cast<double>(row.commands.failed);
  });
  const auto alerts_of = [&alerts](const Row& row) {
    const auto at = alerts.find(row.unit);
    return at == alerts.end() ? FleetView::Alerts() : at->second;
  };
  type = "gauge";
  for (const auto severity :
       {wire::Severity::info, wire::Severity::warning, wire::Severity::critical}) {
    write.labelled(
        "steward_unit_alerts",
        std::exchange(type, ""),
        ",severity=\"" + std::string(wire::word(severity)) + "\"",
        [&alerts_of, severity](const Row& row) {
          return static_cast<double>(alerts_of(row).heard[static_cast<std::size_t>(severity)]);
        });
  }
  write.family("steward_unit_alerts_silenced", "gauge", [&alerts_of](const Row& row) {
    return static_cast<double>(alerts_of(row).silenced);
  });
  write.family("steward_unit_outbox_events", "gauge", [](const Row& row) {
    return static_cast<double>(row.hello.outbox_depth);
  });
  write.family("steward_unit_outbox_oldest_seconds", "gauge", [](const Row& row) {
    return std::chrono::duration<double>(row.hello.outbox_oldest).count();
  });
  for (const auto& [name, figure] : kUpdates) {
    write.family(name, "gauge", [figure = figure](const Row& row) -> std::optional<double> {
      for (const auto& handler : row.hello.handlers) {
        const auto at = handler.figures.find(std::string(figure));
        if (handler.method == "osupdate" && at != handler.figures.end()) {
          return static_cast<double>(at->second);
        }
      }
      return std::nullopt;
    });
  }
}

void write_station(std::string& out, const FleetView& fleet) {
  append_type(out, "steward_station_info", "gauge");
  out += "steward_station_info{station=\"";
  append_escaped(out, fleet.station);
  out += "\",version=\"";
  append_escaped(out, fleet.version);
  out += "\"} 1\n";
  for (const auto& figure : fleet.figures) {
    append_type(out, figure.name, figure.counts ? "counter" : "gauge");
    out.append(figure.name).append(" ");
    append_number(out, figure.value);
    out += '\n';
  }
}

}  // namespace

Exposition::Exposition(const FleetView& fleet, Metrics metrics) : metrics_(std::move(metrics)) {
  write_fleet(head_, fleet.units, fleet.alerts);
  write_station(head_, fleet);
  std::set<const MetricFamilies*> seen;
  for (const auto& [unit, latest] : metrics_) {
    if (!seen.insert(latest->families.get()).second) {
      continue;
    }
    for (const auto& [name, family] : latest->families->families) {
      if (!is_ours(name)) {
        families_.push_back(name);
      }
    }
  }
  std::sort(families_.begin(), families_.end());
  families_.erase(std::unique(families_.begin(), families_.end()), families_.end());
}

std::string Exposition::next(std::size_t most) {
  std::string out = std::exchange(head_, {});
  while (out.size() < most && at_ < families_.size()) {
    write_family(out, families_[at_++]);
  }
  return out;
}

void Exposition::write_family(std::string& out, std::string_view name) const {
  bool told = false;
  for (const auto& [unit, latest] : metrics_) {
    const auto& families = latest->families->families;
    const auto family = families.find(name);
    if (family == families.end()) {
      continue;
    }
    if (!std::exchange(told, true)) {
      append_type(out, name, kTypes[static_cast<std::size_t>(family->second.type)]);
    }
    write_lines(out, family->second, unit, latest->numbers);
  }
}

std::string expose_unit(const FleetView& fleet,
                        std::string_view unit,
                        const std::shared_ptr<const MetricsTable::Latest>& latest) {
  FleetView only;
  std::copy_if(fleet.units.begin(),
               fleet.units.end(),
               std::back_inserter(only.units),
               [unit](const wire::UnitRow& row) { return row.unit == unit; });
  std::string out;
  write_fleet(out, only.units, fleet.alerts);
  if (latest) {
    for (const auto& [name, family] : latest->families->families) {
      if (!is_ours(name)) {
        append_type(out, name, kTypes[static_cast<std::size_t>(family.type)]);
        write_lines(out, family, unit, latest->numbers);
      }
    }
  }
  return out;
}

}  // namespace steward::station
