#include "steward/selection.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace steward::station::selection_test {
namespace {

using test::Folder;
using test::node;
using test::Script;
using Names = std::vector<std::string>;

// Three units: one that is up with facts and metrics, one that is away, one of a name alone.
struct Story {
  Story() {
    store = std::move(Store::open(folder.path() / "station.db", {}, time.now().wall)->store);
    units.hello(node("ship1"), {}, time.now());
    wire::Hello bye;
    bye.bye = true;
    units.hello(node("ship2"), bye, time.now());
    units.expect(node("rig7"), time.now());
    Batch batch;
    batch.facts["ship1"] = record({{"os", "\"debian\""},
                                   {"kernel", "\"6.1.10\""},
                                   {"tier", "9"},
                                   {"labels.tier", "\"2\""},
                                   {"dns", R"(["192.0.2.1","192.0.2.2"])"}});
    batch.facts["ship2"] = record({{"os", "\"ubuntu\""}, {"kernel", "\"6.1.9\""}});
    REQUIRE(store->commit(batch, time.now().wall));
    measure("ship1");
  }

  FactsRecord record(wire::Facts facts) const {
    const auto hash = wire::hash_of(facts);
    return {hash, std::move(facts), time.now().wall};
  }

  void measure(const std::string& unit) {
    const wire::MetricSchema schema{
        {{.key = "node_load1", .type = wire::MetricType::gauge, .divisor = 100},
         {.key = R"(node_filesystem_avail_bytes{fstype="ext4",mountpoint="/"})"},
         {.key = R"(node_filesystem_avail_bytes{fstype="ext4",mountpoint="/data"})"}}};
    metrics.take(unit, wire::encode(schema), time.now().steady);
    const std::vector<std::int64_t> numbers{75, 5'000, 80};
    metrics.take(unit,
                 wire::encode_metric_round(
                     {schema.hash(), 1, 0, std::chrono::milliseconds(1), {}}, numbers, {}),
                 time.now().steady);
  }

  Names pick(const std::string& text) {
    const auto selector = wire::Selector::parse(text);
    REQUIRE_MESSAGE(selector, selector.error().text());
    const auto picked =
        Selection(units, *store, metrics, groups, time.now().steady).pick(*selector);
    REQUIRE(picked);
    return *picked;
  }

  Folder folder;
  Script time;
  UnitTable units;
  MetricsTable metrics;
  GroupsTable groups;
  std::unique_ptr<Store> store;
};

TEST_CASE("selection: units are picked by facts, also those that are away") {
  Story story;
  CHECK(story.pick("os=debian") == Names{"ship1"});
  CHECK(story.pick("os in [debian,ubuntu]") == Names{"ship1", "ship2"});
  CHECK(story.pick("kernel>6.1.9") == Names{"ship1"});
  CHECK(story.pick("dns=192.0.2.2") == Names{"ship1"});
  CHECK(story.pick("not os=*") == Names{"rig7"});
  CHECK(story.pick("os=plan9").empty());
}

TEST_CASE("selection: a label is before a fact of the same name") {
  Story story;
  CHECK(story.pick("tier=2") == Names{"ship1"});
  CHECK(story.pick("tier=9").empty());
}

TEST_CASE("selection: by state and by name") {
  Story story;
  CHECK(story.pick("state=up") == Names{"ship1"});
  CHECK(story.pick("state in [down,never]") == Names{"rig7", "ship2"});
  CHECK(story.pick("unit=ship? and not ship1") == Names{"ship2"});
}

TEST_CASE("selection: by metrics of the last round, one series, some, or any of a name") {
  Story story;
  CHECK(story.pick("load1<4") == Names{"ship1"});
  CHECK(story.pick("node_load1=0.75") == Names{"ship1"});
  CHECK(story.pick("load1>4").empty());
  CHECK(story.pick(R"(node_filesystem_avail_bytes{mountpoint="/"}<100)").empty());
  CHECK(story.pick(R"(filesystem_avail_bytes{mountpoint="/data"}<100)") == Names{"ship1"});
  CHECK(story.pick("filesystem_avail_bytes<100") == Names{"ship1"});
  story.time.after(std::chrono::hours(1));
  CHECK(story.pick("load1<4").empty());
}

TEST_CASE("selection: keys that no fact can have are harmless") {
  Story story;
  CHECK(story.pick("'a\"b'=1").empty());
  CHECK(story.pick("'$[0]'=1").empty());
  CHECK(story.pick("x{=1}=1 or os=debian") == Names{"ship1"});
}

TEST_CASE("selection: groups are those of their targets, groups in them, too") {
  Story story;
  Batch batch;
  const auto set = [&](const std::string& name, const std::string& target) {
    REQUIRE(story.groups.take(
        {wire::GroupsRequest::Op::set, name, target}, "/operator/anna", story.time.now(), batch));
  };
  set("linux", "os=debian or os=ubuntu");
  set("ships", "ship*");
  set("old", "@linux and kernel<6.1.10");
  CHECK(story.pick("@linux") == Names{"ship1", "ship2"});
  CHECK(story.pick("@old") == Names{"ship2"});
  CHECK(story.pick("@ships and not @old") == Names{"ship1"});
  CHECK(story.pick("rig7 or @old") == Names{"rig7", "ship2"});
  set("old", "rig7");
  CHECK(story.pick("@old") == Names{"rig7"});
  const auto fails = [&story](const std::string& text) {
    const auto selector = wire::Selector::parse(text);
    REQUIRE(selector);
    const auto picked =
        Selection(story.units, *story.store, story.metrics, story.groups, story.time.now().steady)
            .pick(*selector);
    REQUIRE_FALSE(picked);
    return picked.error().code;
  };
  CHECK(fails("ship1 or @nonesuch") == ErrorCode::not_found);
  set("a", "@b");
  set("b", "ship1 or @a");
  CHECK(fails("@a") == ErrorCode::bad_payload);
}

}  // namespace
}  // namespace steward::station::selection_test
