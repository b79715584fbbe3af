#include "steward/facts_table.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace steward::station::facts_table_test {
namespace {

using test::Script;
using Names = std::vector<std::string>;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;

const wire::Facts kOld{{"os", "\"debian\""}, {"os.version", "\"11\""}};
const wire::Facts kNew{{"os", "\"debian\""}, {"os.version", "\"12\""}};

struct Story {
  void take(const wire::FactsEvent& event) { table.take("ship1", event, time.now(), batch); }

  void hello(const wire::Facts& facts) { table.hello("ship1", wire::hash_of(facts), time.now()); }

  // As a commit does.
  void commit() {
    for (auto& [unit, record] : batch.facts) {
      stored[unit] = record.facts;
    }
    batch = {};
  }

  Names asked_after(std::chrono::milliseconds step) { return table.lacking(time.after(step), 10); }

  std::map<std::string, wire::Facts> stored;
  Script time;
  Batch batch;
  FactsTable table{[this](const std::string& unit) {
    const auto at = stored.find(unit);
    return at == stored.end() ? std::nullopt : std::optional(at->second);
  }};
};

TEST_CASE("facts table: all of a unit, then a change to them, also before the first is on disk") {
  Story story;
  story.take(wire::difference({}, kOld));
  CHECK(story.batch.facts.at("ship1").facts == kOld);
  story.take(wire::difference(kOld, kNew));
  CHECK(story.batch.facts.at("ship1").facts == kNew);
  CHECK(story.batch.facts.at("ship1").hash == wire::hash_of(kNew));
  REQUIRE(story.batch.history.size() == 2);
  CHECK(story.batch.history[0].text == "told 2 facts");
  CHECK(story.batch.history[1].text == R"(os.version = "12")");
  story.commit();
  story.take(wire::difference(kNew, {{"os", "\"debian\""}}));
  CHECK(story.batch.facts.at("ship1").facts == wire::Facts{{"os", "\"debian\""}});
  CHECK(story.batch.history.back().text == "os.version is gone");
}

TEST_CASE("facts table: changes to facts that are not known are asked for as a whole") {
  Story story;
  story.take(wire::difference(kOld, kNew));
  CHECK(story.batch.facts.empty());
  CHECK(story.asked_after(59s).empty());
  CHECK(story.asked_after(1s) == Names{"ship1"});
  CHECK(story.asked_after(30s).empty());
  story.take(wire::difference({}, kNew));
  CHECK(story.asked_after(60min).empty());
}

TEST_CASE("facts table: a hello of other facts makes it ask, at longer and longer intervals") {
  Story story;
  story.take(wire::difference({}, kOld));
  story.hello(kOld);
  CHECK(story.asked_after(60min).empty());
  story.hello(kNew);
  CHECK(story.asked_after(60s) == Names{"ship1"});
  CHECK(story.asked_after(60s) == Names{"ship1"});
  CHECK(story.asked_after(60s).empty());
  CHECK(story.asked_after(60s) == Names{"ship1"});
}

TEST_CASE("facts table: the event that the hello was before of comes, and nothing is asked") {
  Story story;
  story.hello(kNew);
  story.take(wire::difference({}, kNew));
  CHECK(story.asked_after(60min).empty());
  story.hello(kOld);
  story.hello(kNew);
  CHECK(story.asked_after(60min).empty());
}

TEST_CASE("facts table: a unit that tells no facts is not asked") {
  Story story;
  story.hello({});
  CHECK(story.asked_after(60min).empty());
}

TEST_CASE("facts table: what an earlier run has left is known") {
  Story story;
  story.table.restore("ship1", wire::hash_of(kOld));
  story.stored["ship1"] = kOld;
  story.hello(kOld);
  CHECK(story.asked_after(60min).empty());
  story.take(wire::difference(kOld, kNew));
  CHECK(story.batch.facts.at("ship1").facts == kNew);
}

}  // namespace
}  // namespace steward::station::facts_table_test
