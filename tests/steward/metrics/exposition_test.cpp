#include "steward/metrics/exposition.hpp"

#include "tests/steward/metrics/rounds.hpp"

#include <doctest/doctest.h>

#include <set>
#include <sstream>

namespace steward::tests::exposition_test {
namespace {

using namespace std::chrono_literals;
using station::Exposition;
using station::FleetView;
using station::MetricsTable;

const MetricsTable::Steady kStart{1h};

FleetView fleet_of_two() {
  FleetView view{
      .station = "station", .version = "1.2.3", .units = {}, .figures = {}, .troubles = {}};
  view.units.resize(2);
  view.units[0].unit = "ship1";
  view.units[0].state = wire::UnitState::up;
  view.units[0].commands = {.open = 4, .done = 5, .failed = 6};
  view.units[0].hello.handlers.push_back({.method = "osupdate",
                                          .domain = "system",
                                          .state = "running",
                                          .figures = {{"updates", 7}, {"reboot_required", 1}}});
  view.units[1].unit = "ship2";
  view.units[1].state = wire::UnitState::late;
  view.alerts["ship2"] = {.heard = {0, 1, 2}, .silenced = 3};
  view.figures = {{"steward_station_commits_total", true, 12}};
  return view;
}

std::string all_of(Exposition exposition, std::size_t most) {
  std::string text;
  for (auto piece = exposition.next(most); !piece.empty(); piece = exposition.next(most)) {
    text += piece;
  }
  return text;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

void fill(MetricsTable& table, const std::string& name, const wire::MetricSchema& schema) {
  Rounds unit(schema);
  table.take(name, unit.schema(), kStart);
  std::vector<std::int64_t> numbers(schema.series.size(), 150);
  table.take(name, unit.whole(numbers), kStart);
}

}  // namespace

TEST_CASE("exposition: the fleet, the station and what units measure") {
  MetricsTable table;
  fill(table, "ship1", two_series());
  const auto text = all_of({fleet_of_two(), table.fresh(kStart)}, 1'000'000);
  CHECK(has_line(text, "steward_unit_up{unit=\"ship1\"} 1"));
  CHECK(has_line(text, "steward_unit_up{unit=\"ship2\"} 0"));
  CHECK(has_line(text, "steward_unit_state{unit=\"ship2\",state=\"late\"} 1"));
  CHECK(has_line(text, "steward_unit_state{unit=\"ship2\",state=\"up\"} 0"));
  CHECK(has_line(text, "steward_unit_commands_total{unit=\"ship1\",outcome=\"failed\"} 6"));
  CHECK(has_line(text, "steward_unit_alerts{unit=\"ship1\",severity=\"critical\"} 0"));
  CHECK(has_line(text, "steward_unit_alerts{unit=\"ship2\",severity=\"critical\"} 2"));
  CHECK(has_line(text, "steward_unit_alerts_silenced{unit=\"ship2\"} 3"));
  CHECK(has_line(text, "steward_unit_updates_pending{unit=\"ship1\"} 7"));
  CHECK(has_line(text, "steward_unit_reboot_required{unit=\"ship1\"} 1"));
  CHECK(text.find("steward_unit_updates_pending{unit=\"ship2\"") == std::string::npos);
  CHECK(has_line(text, "# TYPE steward_station_commits_total counter"));
  CHECK(has_line(text, "steward_station_commits_total 12"));
  CHECK(has_line(text, "node_load1{unit=\"ship1\"} 1.5"));
  CHECK(has_line(text, "node_disk_read_bytes_total{device=\"sda\",unit=\"ship1\"} 76800"));
}

TEST_CASE("exposition: each family is told once, whatever the size of the pieces") {
  MetricsTable table;
  auto more = two_series();
  more.series.insert(more.series.begin(),
                     {"node_boot_time_seconds", wire::MetricType::gauge, 1, 1});
  for (int number = 1; number <= 30; ++number) {
    fill(table, "ship" + std::to_string(number), number % 2 == 0 ? more : two_series());
  }
  const auto whole = all_of({fleet_of_two(), table.fresh(kStart)}, 1'000'000);
  CHECK(all_of({fleet_of_two(), table.fresh(kStart)}, 1) == whole);
  std::set<std::string> families;
  std::string family;
  std::istringstream lines(whole);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(families.insert(family).second);
    } else {
      CHECK(line.starts_with(family));
    }
  }
  CHECK(families.count("node_boot_time_seconds") == 1);
  std::size_t loads = 0;
  for (auto at = whole.find("node_load1{"); at != std::string::npos;
       at = whole.find("node_load1{", at + 1)) {
    ++loads;
  }
  CHECK(loads == 30);
}

TEST_CASE("exposition: a unit cannot speak in the station's name, and what is absent is not told") {
  MetricsTable table;
  Rounds unit({{{"steward_unit_up", wire::MetricType::gauge, 1, 1},
                {"steward_station_acting", wire::MetricType::gauge, 1, 1},
                {"node_load1", wire::MetricType::gauge, 1, 1},
                {"node_load5", wire::MetricType::gauge, 1, 1}}});
  table.take("ship1", unit.schema(), kStart);
  table.take("ship1", unit.whole({7, 7, 7, wire::kAbsent}), kStart);
  const auto text = all_of({FleetView{}, table.fresh(kStart)}, 1'000'000);
  CHECK_FALSE(has_line(text, "steward_unit_up{unit=\"ship1\"} 7"));
  CHECK(text.find("steward_station_acting") == std::string::npos);
  CHECK(has_line(text, "node_load1{unit=\"ship1\"} 7"));
  CHECK(text.find("node_load5{") == std::string::npos);
}

TEST_CASE("exposition: of one unit, that unit only") {
  MetricsTable table;
  fill(table, "ship1", two_series());
  fill(table, "ship2", two_series());
  const auto text = station::expose_unit(fleet_of_two(), "ship2", table.find("ship2", kStart));
  CHECK(has_line(text, "steward_unit_up{unit=\"ship2\"} 0"));
  CHECK(has_line(text, "node_load1{unit=\"ship2\"} 1.5"));
  CHECK(text.find("ship1") == std::string::npos);
  CHECK(station::expose_unit(fleet_of_two(), "ship2", nullptr).find("node_") == std::string::npos);
}

}  // namespace steward::tests::exposition_test
