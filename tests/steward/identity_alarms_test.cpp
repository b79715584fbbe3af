#include "steward/identity_alarms.hpp"

#include "steward/alerts_table.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace steward::station::identity_alarms_test {
namespace {

using std::chrono::hours;
using wire::Severity;

const wire::Timestamp kNow = wire::parse_time("2026-11-21T12:00:00Z").value();

std::chrono::milliseconds in(hours time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>((kNow + time).time_since_epoch());
}

wire::UnitRow row(wire::UnitState state = wire::UnitState::up) {
  wire::UnitRow out;
  out.unit = "ship1";
  out.state = state;
  return out;
}

// "warning authority_expires 12", or "".
std::string alarms_of(const wire::UnitRow& of) {
  std::string text;
  for (const auto& alarm : identity_alarms(of, kNow)) {
    text += std::string(text.empty() ? "" : ", ") + std::string(word(alarm.severity)) + " " +
            alarm.rule + " " + std::to_string(static_cast<int>(alarm.value));
  }
  return text;
}

}  // namespace

TEST_CASE("identity alarms: an authority's end is said ahead, at 60, 30 and 7 days") {
  auto unit = row(wire::UnitState::down);  // whether it is there or not
  CHECK(alarms_of(unit).empty());

  struct Case {
    int days;
    std::string alarms;
  };

  for (const auto& [days, alarms] : {Case{61, ""},
                                     Case{60, ""},
                                     Case{59, "info authority_expires 59"},
                                     Case{30, "info authority_expires 30"},
                                     Case{29, "warning authority_expires 29"},
                                     Case{7, "warning authority_expires 7"},
                                     Case{6, "critical authority_expires 6"},
                                     Case{-1, "critical authority_expires -1"}}) {
    unit.hello.authority_expires = in(hours(24 * days));
    CHECK(alarms_of(unit) == alarms);
  }
}

TEST_CASE("identity alarms: a login that is not renewed is said of units that are there") {
  auto unit = row();
  unit.hello.login_expires = in(hours(25));
  CHECK(alarms_of(unit).empty());
  unit.hello.login_expires = in(hours(23));
  CHECK(alarms_of(unit) == "warning login_not_renewed 0");
  unit.state = wire::UnitState::down;  // it asks when it is back
  CHECK(alarms_of(unit).empty());
}

TEST_CASE("identity alarms: in the table they keep their beginning, change, and end") {
  AlertsTable table;
  Batch batch;
  Moment now{{}, kNow};
  auto unit = row();
  const auto judge = [&] {
    batch = {};
    table.judge("ship1", "identity", identity_alarms(unit, now.wall), now, batch);
  };
  judge();
  CHECK(batch.alerts.empty());
  unit.hello.authority_expires = in(hours(24 * 31));
  judge();
  REQUIRE(table.rows(now).size() == 1);
  CHECK(table.rows(now)[0].source == "identity");
  CHECK(batch.history.size() == 1);
  judge();
  CHECK(batch.alerts.empty());  // nothing is written while nothing changes
  now.wall += hours(48);
  judge();
  CHECK(batch.history.empty());
  REQUIRE(table.rows(now).size() == 1);
  CHECK(table.rows(now)[0].alert.severity == Severity::warning);
  CHECK(table.rows(now)[0].alert.since == kNow);
  unit.hello.authority_expires = in(hours(24 * 365));
  judge();
  CHECK(table.rows(now).empty());
  CHECK(batch.alerts.size() == 1);
}

}  // namespace steward::station::identity_alarms_test
