#include "steward/metrics/metrics_table.hpp"

#include "tests/steward/metrics/rounds.hpp"

#include <doctest/doctest.h>

namespace steward::tests::metrics_table_test {
namespace {

using namespace std::chrono_literals;
using station::MetricsTable;
using Numbers = std::vector<std::int64_t>;

const MetricsTable::Steady kStart{1h};

}  // namespace

TEST_CASE("metrics table: rounds are read on their base, lost ones cost themselves only") {
  MetricsTable table;
  Rounds unit(two_series());
  table.take("ship1", unit.schema(), kStart);
  CHECK(table.find("ship1", kStart) == nullptr);
  table.take("ship1", unit.whole({150, 7}), kStart);
  REQUIRE(table.find("ship1", kStart));
  CHECK(table.find("ship1", kStart)->numbers == Numbers{150, 7});
  unit.lose();
  table.take("ship1", unit.changed({151, 9}), kStart + 20s);
  CHECK(table.find("ship1", kStart + 20s)->numbers == Numbers{151, 9});
  CHECK(table.counts().rounds == 2);
  CHECK(table.counts().incomplete == 0);
  CHECK(table.counts().series == 2);
}

TEST_CASE("metrics table: what was measured without a link never stands for what is now") {
  MetricsTable table;
  Rounds unit(two_series());
  table.take("ship1", unit.schema(), kStart);
  table.take("ship1", unit.whole({150, 7}), kStart);
  auto before = two_series();
  before.late = true;
  before.series.pop_back();
  const wire::MetricRoundHead head{.schema = before.hash(), .number = 9, .late = true};
  table.take("ship1", wire::encode(before), kStart + 1s);
  table.take("ship1", wire::encode_metric_round(head, Numbers{1}, {}), kStart + 1s);
  table.take("ship2", wire::encode_metric_round(head, Numbers{1}, {}), kStart + 1s);
  CHECK(table.find("ship1", kStart + 1s)->numbers == Numbers{150, 7});
  CHECK(table.find("ship1", kStart + 30s + 1ms) == nullptr);  // nor does it keep a unit there
  CHECK(table.counts().late == 2);
  CHECK(table.counts().incomplete == 0);
  CHECK(table.counts().units == 1);
  table.take("ship1", unit.changed({151, 7}), kStart + 40s);
  CHECK(table.find("ship1", kStart + 40s)->numbers == Numbers{151, 7});
  CHECK(table.lacking(kStart + 99h, 10).empty());
}

TEST_CASE("metrics table: what an earlier station has kept is there, as old as it is") {
  MetricsTable before;
  Rounds unit(two_series());
  unit.interval = 60s;
  before.take("ship1", unit.schema(), kStart);
  before.take("ship1", unit.whole({150, 7}), kStart);
  before.take("ship1", unit.changed({160, 8}), kStart + 60s);
  CHECK(before.heard_since(kStart + 61s, kStart + 61s).empty());
  auto kept = before.heard_since(kStart, kStart + 70s);
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].age == 10s);
  CHECK(kept[0].interval == 60s);
  kept[0].schema = before.schema_of(kept[0].digest);
  CHECK(*wire::decode_metric_schema(kept[0].schema) == two_series());
  kept[0].age = 100s;  // the station was away
  MetricsTable after;
  after.restore(kept[0], kStart);
  REQUIRE(after.find("ship1", kStart));
  CHECK(after.find("ship1", kStart)->numbers == Numbers{160, 8});
  CHECK(after.find("ship1", kStart)->time == before.find("ship1", kStart + 70s)->time);
  CHECK(after.find("ship1", kStart + 80s));
  CHECK(after.find("ship1", kStart + 81s) == nullptr);  // three of its intervals
  after.take("ship1", unit.changed({170, 9}), kStart + 1s);
  CHECK(after.lacking(kStart + 1s, 9).size() == 1);  // its base is not: it is asked for it
  after.take("ship1", unit.whole({180, 9}), kStart + 2s);
  CHECK(after.find("ship1", kStart + 2s)->numbers == Numbers{180, 9});
  CHECK(after.counts().series == 2);
}

TEST_CASE("metrics table: what is kept and cannot be read, or is too old, is left out") {
  MetricsTable before;
  Rounds unit(two_series());
  before.take("ship1", unit.schema(), kStart);
  before.take("ship1", unit.whole({150, 7}), kStart);
  auto good = before.heard_since(kStart, kStart)[0];
  good.schema = before.schema_of(good.digest);
  for (int i = 0; i < 5; ++i) {
    auto bad = good;
    bad.age = i == 0 ? 1h : i == 1 ? -1ms : 0ms;
    bad.schema = i == 2 ? "{}" : bad.schema;
    bad.round.resize(i == 3 ? bad.round.size() - 1 : bad.round.size());
    bad.round = i == 4 ? unit.changed({1, 1}) : bad.round;
    MetricsTable after;
    after.restore(bad, kStart);
    INFO(i);
    CHECK(after.counts().units == 0);
  }
}

TEST_CASE("metrics table: a unit that is silent for three of its intervals is not shown") {
  MetricsTable table;
  Rounds unit(two_series());
  unit.interval = 2s;
  table.take("ship1", unit.schema(), kStart);
  table.take("ship1", unit.whole({1, 1}), kStart);
  CHECK(table.find("ship1", kStart + 30s));  // nothing said yet what its interval is
  table.take("ship1", unit.changed({1, 2}), kStart + 2s);
  CHECK(table.find("ship1", kStart + 8s));
  CHECK(table.fresh(kStart + 8s).size() == 1);
  CHECK(table.find("ship1", kStart + 8s + 1ms) == nullptr);
  CHECK(table.fresh(kStart + 8s + 1ms).empty());
}

TEST_CASE("metrics table: whose schema or base was not heard is named, and again ever later") {
  MetricsTable table;
  Rounds unit(two_series());
  const auto schema = unit.schema();
  const auto first = unit.whole({1, 1});
  table.take("ship1", unit.changed({1, 2}), kStart);
  CHECK(table.counts().incomplete == 1);
  CHECK(table.lacking(kStart, 10) == std::vector<std::string>{"ship1"});
  CHECK(table.lacking(kStart + 59s, 10).empty());
  CHECK(table.lacking(kStart + 60s, 10).size() == 1);
  CHECK(table.lacking(kStart + 179s, 10).empty());
  CHECK(table.lacking(kStart + 180s, 10).size() == 1);
  table.take("ship1", schema, kStart + 181s);
  table.take("ship1", unit.changed({1, 2}), kStart + 182s);  // its base was said before, too
  CHECK(table.find("ship1", kStart + 182s) == nullptr);
  table.take("ship1", unit.whole({1, 3}), kStart + 183s);
  CHECK(table.find("ship1", kStart + 183s)->numbers == Numbers{1, 3});
  CHECK(table.lacking(kStart + 24h, 10).empty());
}

TEST_CASE("metrics table: another list of series makes the rounds before it unreadable") {
  MetricsTable table;
  Rounds before(two_series());
  auto more = two_series();
  more.series.push_back({"node_load5", wire::MetricType::gauge, 1, 100});
  Rounds after(more);
  table.take("ship1", before.schema(), kStart);
  table.take("ship1", before.whole({1, 1}), kStart);
  table.take("ship1", after.schema(), kStart);
  table.take("ship1", before.changed({1, 2}), kStart);
  CHECK(table.counts().incomplete == 1);
  table.take("ship1", after.whole({1, 1, 5}), kStart);
  CHECK(table.find("ship1", kStart)->numbers.size() == 3);
  CHECK(table.counts().series == 3);
}

TEST_CASE("metrics table: units with the same series share what these are called") {
  MetricsTable table;
  Rounds unit(two_series());
  for (const auto* name : {"ship1", "ship2"}) {
    table.take(name, unit.schema(), kStart);
    table.take(name, unit.whole({1, 1}), kStart);
  }
  CHECK(table.find("ship1", kStart)->families == table.find("ship2", kStart)->families);
}

TEST_CASE("metrics table: what units can make us keep is bounded, and the silent are forgotten") {
  MetricsTable table({.units = 2, .series = 3});
  Rounds unit(two_series());
  table.take("ship1", unit.schema(), kStart);
  table.take("ship2", unit.schema(), kStart);  // of four series, three have room
  table.take("ship3", unit.schema(), kStart);
  CHECK(table.counts().refused == 2);
  CHECK(table.counts().units == 2);
  CHECK(table.counts().series == 2);
  table.take("ship2", "{", kStart + 30min);
  CHECK(table.counts().garbled == 1);
  table.forget_silent(kStart + 1h);
  CHECK(table.counts().units == 1);
  CHECK(table.counts().series == 0);
  table.take("ship3", unit.schema(), kStart + 1h);
  table.take("ship3", unit.whole({1, 1}), kStart + 1h);
  CHECK(table.find("ship3", kStart + 1h));
}

}  // namespace steward::tests::metrics_table_test
