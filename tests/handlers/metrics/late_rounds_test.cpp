#include "handlers/metrics/late_rounds.hpp"

#include "subjects/wire/metrics.hpp"
#include "tests/handlers/metrics/room.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace steward::handlers::metrics::late_rounds_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;

wire::MetricSchema schema_of(const std::string& name) {
  wire::MetricSchema schema;
  schema.late = true;
  for (int i = 0; i < 20; ++i) {
    schema.series.push_back({name + std::to_string(i), wire::MetricType::gauge, 1, 1});
  }
  return schema;
}

std::string round_of(const wire::MetricSchema& schema, std::uint64_t number, milliseconds time) {
  const std::vector<std::int64_t> numbers(schema.series.size(), static_cast<std::int64_t>(number));
  return wire::encode_metric_round({schema.hash(), number, 0, time, {}, true}, numbers, {});
}

void keep(LateRounds& late, const wire::MetricSchema& schema, int number) {
  const auto round =
      round_of(schema, static_cast<std::uint64_t>(number), milliseconds(10'000) * number);
  REQUIRE(late.keep(round, [&schema] { return wire::encode(schema); }));
}

// All that is said, each round read with the list of series that came before it.
std::vector<std::uint64_t> say_all(LateRounds& late) {
  std::vector<std::uint64_t> said;
  std::map<std::uint64_t, wire::MetricSchema> schemas;
  while (!late.empty()) {
    const auto payload = late.first();
    REQUIRE(payload);
    late.drop_first();
    if (!wire::is_metric_round(*payload)) {
      auto schema = *wire::decode_metric_schema(*payload);
      CHECK(schema.late);
      schemas.insert_or_assign(schema.hash(), std::move(schema));
      continue;
    }
    const auto head = *wire::decode_metric_round_head(*payload);
    REQUIRE(schemas.count(head.schema) == 1);
    REQUIRE(wire::decode_metric_numbers(*payload, schemas.at(head.schema).series.size(), {}));
    CHECK(head.late);
    said.push_back(head.number);
  }
  return said;
}

constexpr std::size_t kRoom = 64 * 1024;

}  // namespace

TEST_CASE("late rounds: said in their order, each behind its list of series, and then gone") {
  const Folder folder;
  LateRounds late(folder.path / "metrics/late", kRoom);
  REQUIRE(late.load());
  CHECK(late.empty());
  const auto one = schema_of("a");
  const auto other = schema_of("b");
  for (int i = 1; i <= 4; ++i) {
    keep(late, i < 3 ? one : other, i);
  }
  CHECK(late.rounds() == 4);
  CHECK(say_all(late) == std::vector<std::uint64_t>{1, 2, 3, 4});
  CHECK(!fs::exists(folder.path / "metrics/late"));
  keep(late, one, 5);
  CHECK(say_all(late) == std::vector<std::uint64_t>{5});
}

TEST_CASE("late rounds: an agent that starts again goes on where the last one ended") {
  const Folder folder;
  const auto schema = schema_of("a");
  {
    LateRounds late(folder.path / "late", kRoom);
    for (int i = 1; i <= 5; ++i) {
      keep(late, schema, i);
    }
    for (int i = 0; i < 3; ++i) {  // the list, and two rounds
      late.drop_first();
    }
  }
  LateRounds late(folder.path / "late", kRoom);
  REQUIRE(late.load());
  CHECK(late.rounds() == 3);
  keep(late, schema, 6);
  CHECK(say_all(late) == std::vector<std::uint64_t>{3, 4, 5, 6});
}

TEST_CASE("late rounds: of a damaged file what stands before the damage is said") {
  const Folder folder;
  const auto schema = schema_of("a");
  {
    LateRounds late(folder.path / "late", kRoom);
    for (int i = 1; i <= 5; ++i) {
      keep(late, schema, i);
    }
  }
  const auto size = fs::file_size(folder.path / "late");
  fs::resize_file(folder.path / "late", size - 3);
  {
    LateRounds late(folder.path / "late", kRoom);
    REQUIRE(late.load());
    CHECK(late.rounds() == 4);
    keep(late, schema, 9);
  }
  LateRounds late(folder.path / "late", kRoom);
  REQUIRE(late.load());
  CHECK(say_all(late) == std::vector<std::uint64_t>{1, 2, 3, 4, 9});
  folder.write("late", "something else");
  LateRounds foreign(folder.path / "late", kRoom);
  REQUIRE(foreign.load());
  CHECK(foreign.empty());
}

TEST_CASE("late rounds: three days without a link keeps its room, the oldest are thinned first") {
  const Folder folder;
  LateRounds late(folder.path / "late", kRoom);
  const auto schema = schema_of("a");
  constexpr int kDays = 3 * 24 * 360;
  std::uintmax_t largest = 0;
  for (int i = 1; i <= kDays; ++i) {
    keep(late, schema, i);
    if (i % 1'000 == 0) {
      largest = std::max(largest, fs::file_size(folder.path / "late"));
    }
  }
  CHECK(largest <= kRoom);
  CHECK(late.rounds() + late.thinned() == kDays);
  const auto said = say_all(late);
  CHECK(said.size() > 500);
  CHECK(said.front() == 1);
  CHECK(said.back() == kDays);
  CHECK(std::is_sorted(said.begin(), said.end()));
  CHECK(said[1] - said[0] >= 6);                              // a minute and more
  CHECK(said[said.size() - 1] - said[said.size() - 2] == 1);  // as they were measured
}

TEST_CASE("late rounds: half of them said, the rest still has its list of series when thinned") {
  const Folder folder;
  LateRounds late(folder.path / "late", kRoom);
  const auto schema = schema_of("a");
  keep(late, schema, 1);
  late.drop_first();
  for (int i = 2; i <= 3'000; ++i) {
    keep(late, schema, i);
  }
  CHECK(late.thinned() > 0);
  CHECK(say_all(late).front() == 1);
}

TEST_CASE(
    "metrics: a unit that was away for an hour fills it in, with its own times, marked late") {
  const Folder folder;
  Room room("interval_ms = 3600000", folder.path);
  room.listener.up = false;
  const auto begin = room.clock.now();
  for (int i = 0; i < 360; ++i) {
    room.clock.ahead += std::chrono::seconds(10);
    room.ask(R"({"op":"collect"})");
  }
  CHECK(json::parse(room.ask("").result).at("late") == 360);
  CHECK(room.listener.said.empty());
  room.listener.up = true;
  room.listener.refuses = 1;  // the broker has no such stream yet
  room.handler->link_up();
  room.ask(R"({"op":"collect"})");  // what it measures now does not wait for that
  REQUIRE(room.listener.said.size() == 2);
  CHECK(!wire::decode_metric_round_head(room.listener.said[1])->late);
  room.listener.stop_after_delivered = 361;
  room.loop.run();
  const auto schema = wire::decode_metric_schema(room.listener.delivered.front().payload);
  REQUIRE(schema);
  CHECK(schema->late);
  auto expected = begin;
  for (std::size_t i = 1; i < room.listener.delivered.size(); ++i) {
    const auto& payload = room.listener.delivered[i].payload;
    const auto head = wire::decode_metric_round_head(payload);
    REQUIRE(head);
    CHECK(head->late);
    CHECK(head->schema == schema->hash());
    REQUIRE(wire::decode_metric_numbers(payload, schema->series.size(), {}));
    expected += std::chrono::seconds(10);
    const auto at = std::chrono::duration_cast<milliseconds>(expected.time_since_epoch());
    CHECK(head->time >= at);
    CHECK(head->time < at + std::chrono::seconds(10));
  }
  room.loop.post([&room] { room.loop.stop(); });
  room.loop.run();
  const auto status = json::parse(room.ask("").result);
  CHECK(status.at("late") == 0);
  CHECK(status.at("filled") == 360);
  CHECK(status.at("lost") == 0);
}

TEST_CASE("metrics: without room for late rounds a unit without a link measures nothing") {
  Room room("interval_ms = 3600000\nspool_bytes = 0");
  room.listener.up = false;
  room.ask(R"({"op":"collect"})");
  const auto status = json::parse(room.ask("").result);
  CHECK(status.at("rounds") == 0);
  CHECK(status.at("lost") == 1);
}

}  // namespace steward::handlers::metrics::late_rounds_test
