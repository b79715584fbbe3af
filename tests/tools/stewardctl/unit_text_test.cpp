#include "tools/stewardctl/unit_text.hpp"

#include <doctest/doctest.h>

namespace steward::tests::unit_text_test {

using namespace std::chrono_literals;
using steward::ctl::Format;
using steward::ctl::parse_unit_order;
using steward::ctl::Style;
using steward::ctl::UnitOrder;
using steward::wire::Timestamp;
using steward::wire::UnitRow;
using steward::wire::UnitState;

namespace {

const Timestamp kNow{1'000'000s};

UnitRow row(std::string name, UnitState state) {
  UnitRow out;
  out.unit = std::move(name);
  out.state = state;
  out.since = kNow - 3min;
  out.last_seen = kNow - 1s;
  out.hello.rtt = 210us;
  out.hello.agent_version = "0.1.0";
  return out;
}

std::vector<std::string> names(const std::vector<UnitRow>& rows) {
  std::vector<std::string> out;
  for (const UnitRow& each : rows) {
    out.push_back(each.unit);
  }
  return out;
}

}  // namespace

TEST_CASE("units: the table says state, ages and counts") {
  UnitRow late = row("ship2", UnitState::late);
  late.commands = {1, 20, 3};
  const auto text =
      steward::ctl::unit_table({row("ship1", UnitState::up), late}, Format::table, Style{}, kNow)
          .render(Style{}, std::nullopt);
  CHECK(text ==
        "STATE   UNIT   FOR  SEEN     RTT  OPEN  DONE  FAILED  AGENT\n"
        "● up    ship1   3m    1s  0.21ms     0     0       0  0.1.0\n"
        "◐ late  ship2   3m    1s  0.21ms     1    20       3  0.1.0\n");
}

TEST_CASE("units: a unit never seen has dashes, not zeroes") {
  UnitRow never;
  never.unit = "rig7";
  const auto text =
      steward::ctl::unit_table({never}, Format::table, Style{}, kNow).render(Style{}, std::nullopt);
  CHECK(text.find("○ never  rig7    -     -    -") != std::string::npos);
}

TEST_CASE("units: the wide table has how much waits in a unit's outbox, and since when") {
  UnitRow waiting = row("ship1", UnitState::up);
  waiting.hello.outbox_depth = 3;
  waiting.hello.outbox_oldest = std::chrono::seconds(12);
  const auto text =
      steward::ctl::unit_table({waiting, row("ship2", UnitState::up)}, Format::wide, Style{}, kNow)
          .render(Style{}, std::nullopt);
  CHECK(text.find("3 for 12s") != std::string::npos);
  CHECK(text.find("0 for") == std::string::npos);
}

TEST_CASE("units: the summary counts states and open commands") {
  UnitRow busy = row("a", UnitState::up);
  busy.commands.open = 3;
  CHECK(steward::ctl::unit_summary({busy, row("b", UnitState::late), row("c", UnitState::up)}) ==
        "3 units: 2 up, 1 late (3 commands open)");
  CHECK(steward::ctl::unit_summary({}) == "0 units");
}

TEST_CASE("units: numbers in names sort as numbers") {
  std::vector<UnitRow> rows{row("ship10", UnitState::up),
                            row("ship2", UnitState::up),
                            row("rig7", UnitState::up),
                            row("ship1", UnitState::up)};
  steward::ctl::sort_units(rows, UnitOrder::name);
  CHECK(names(rows) == std::vector<std::string>{"rig7", "ship1", "ship2", "ship10"});
}

TEST_CASE("units: by state, what needs attention comes first") {
  std::vector<UnitRow> rows{row("a", UnitState::up),
                            row("b", UnitState::late),
                            row("c", UnitState::conflict),
                            row("d", UnitState::down)};
  steward::ctl::sort_units(rows, UnitOrder::state);
  CHECK(names(rows) == std::vector<std::string>{"c", "d", "b", "a"});
}

TEST_CASE("units: an unknown sort key is refused with the known ones") {
  CHECK(*parse_unit_order("rtt") == UnitOrder::rtt);
  CHECK(parse_unit_order("weight").error().message.find("name, state") != std::string::npos);
}

}  // namespace steward::tests::unit_text_test
