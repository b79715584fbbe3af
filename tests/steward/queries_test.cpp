#include "steward/queries.hpp"

#include "steward/selection.hpp"
#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace steward::station::queries_test {
namespace {

using test::Folder;
using test::id;
using test::node;
using test::Script;

struct Answer {
  std::vector<std::string> rows;
  std::optional<Error> error;
  std::vector<std::size_t> chunk_bytes;
};

struct Story {
  Story() {
    store = std::move(Store::open(folder.path() / "station.db", {}, time.now().wall)->store);
  }

  Answer ask(const std::string& what, const std::string& payload = "{}") {
    const Queries queries(
        units,
        commands,
        *store,
        {[] { return std::string("{\"x\":1}"); },
         [] { return std::string("{\"version\":7}"); },
         [this](const wire::Selector& selector) {
           return Selection(units, *store, metrics, groups, time.now().steady).pick(selector);
         }});
    Answer answer;
    bool last = false;
    queries.answer(what, payload, [&answer, &last](const std::string& text) {
      CHECK_FALSE(last);
      answer.chunk_bytes.push_back(text.size());
      auto chunk = wire::decode_query_chunk(text);
      REQUIRE_MESSAGE(chunk, chunk.error().text());
      last = chunk->last;
      answer.error = chunk->error;
      answer.rows.insert(answer.rows.end(), chunk->rows.begin(), chunk->rows.end());
    });
    CHECK(last);
    return answer;
  }

  Folder folder;
  Script time;
  UnitTable units;
  CommandTracker commands;
  MetricsTable metrics;
  GroupsTable groups;
  std::unique_ptr<Store> store;
};

TEST_CASE("queries: units are answered whole, in chunks of bounded size") {
  Story story;
  for (int i = 0; i < 3'000; ++i) {
    story.units.hello(node("unit" + std::to_string(i)), {}, story.time.now());
  }
  const auto answer = story.ask("units");
  CHECK_FALSE(answer.error);
  CHECK(answer.rows.size() == 3'000);
  CHECK(answer.chunk_bytes.size() > 1);
  for (const auto bytes : answer.chunk_bytes) {
    CHECK(bytes <= ChunkWriter::kChunkBytes);
  }
}

TEST_CASE("queries: units and their facts are answered for a target that says what they are") {
  Story story;
  for (const std::string unit : {"ship1", "ship2", "ship3"}) {
    story.units.hello(node(unit), {}, story.time.now());
  }
  Batch batch;
  const wire::Facts facts{{"os", "\"debian\""}, {"os.version", "\"12\""}, {"cpus", "4"}};
  batch.facts["ship2"] = {wire::hash_of(facts), facts, story.time.now().wall};
  REQUIRE(story.store->commit(batch, story.time.now().wall));
  const auto picked = story.ask("units", R"({"target":"os=debian and cpus>2"})");
  REQUIRE(picked.rows.size() == 1);
  CHECK(wire::decode_unit_row(picked.rows[0])->unit == "ship2");
  const auto told = story.ask("facts", R"({"target":"state=up","keys":["os"]})");
  REQUIRE(told.rows.size() == 1);
  const auto row = wire::decode_facts_row(told.rows[0]);
  REQUIRE(row);
  CHECK(row->unit == "ship2");
  CHECK(row->facts == wire::Facts{{"os", "\"debian\""}, {"os.version", "\"12\""}});
  CHECK(row->hash == wire::hash_of(facts));
  CHECK(story.ask("units", R"({"target":"os="})").error->code == ErrorCode::bad_payload);
}

TEST_CASE("queries: units are chosen by name and by state") {
  Story story;
  story.units.hello(node("ship1"), {}, story.time.now());
  story.units.hello(node("ship2"), {}, story.time.now());
  story.units.expect(node("ship3"), story.time.now());
  story.commands.restore_counts("ship1", {1, 2, 3});
  const auto named = story.ask("units", R"({"units":["ship1","nobody"]})");
  REQUIRE(named.rows.size() == 1);
  const auto row = wire::decode_unit_row(named.rows[0]);
  REQUIRE(row);
  CHECK(row->unit == "ship1");
  CHECK(row->commands == wire::CommandCounts{1, 2, 3});
  CHECK(story.ask("units", R"({"states":["never"]})").rows.size() == 1);
  CHECK(story.ask("units", R"({"states":["up","never"]})").rows.size() == 3);
}

TEST_CASE("queries: a job on many units comes in rows that join to the whole") {
  Story story;
  Batch batch;
  batch.commands.push_back(
      {id(1), id(1), "@all.command.a.b", "s", "/ann", "{\"p\":1}", story.time.now().wall, {}});
  const std::string result = "{\"text\":\"" + std::string(10'000, 'x') + "\"}";
  for (int i = 0; i < 100; ++i) {
    batch.steps.push_back({id(1),
                           "unit" + std::to_string(i),
                           wire::CommandState::done,
                           story.time.now().wall,
                           SaidBy::unit,
                           {},
                           {},
                           result});
  }
  REQUIRE(story.store->commit(batch, story.time.now().wall));
  const auto answer = story.ask("job", R"({"job":")" + id(1).str() + "\"}");
  CHECK(answer.rows.size() > 1);
  std::size_t units = 0;
  for (std::size_t i = 0; i < answer.rows.size(); ++i) {
    const auto detail = wire::decode_job_detail(answer.rows[i]);
    REQUIRE(detail);
    CHECK(detail->job.job == id(1));
    CHECK(detail->payload == (i == 0 ? "{\"p\":1}" : ""));
    units += detail->units.size();
  }
  CHECK(units == 100);
  for (const auto bytes : answer.chunk_bytes) {
    CHECK(bytes <= ChunkWriter::kChunkBytes);
  }
  const auto one = story.ask("job", R"({"units":["unit7"],"command":")" + id(1).str() + "\"}");
  REQUIRE(one.rows.size() == 1);
  CHECK(wire::decode_job_detail(one.rows[0])->units.size() == 1);
}

TEST_CASE("queries: what cannot be answered says why") {
  Story story;
  CHECK(story.ask("weather").error->code == ErrorCode::unsupported);
  CHECK(story.ask("units", "{").error->code == ErrorCode::bad_payload);
  CHECK(story.ask("units", R"({"limit":"many"})").error->code == ErrorCode::bad_payload);
  CHECK(story.ask("job").error->code == ErrorCode::bad_payload);
  CHECK(story.ask("job", R"({"job":")" + id(1).str() + "\"}").error->code == ErrorCode::not_found);
}

TEST_CASE("queries: an empty answer is one last chunk") {
  Story story;
  for (const std::string what : {"units", "jobs", "history"}) {
    const auto answer = story.ask(what);
    CHECK(answer.chunk_bytes.size() == 1);
    CHECK(answer.rows.empty());
  }
  CHECK(story.ask("station").rows == std::vector<std::string>{"{\"x\":1}"});
  CHECK(story.ask("policy").rows == std::vector<std::string>{"{\"version\":7}"});
}

}  // namespace
}  // namespace steward::station::queries_test
