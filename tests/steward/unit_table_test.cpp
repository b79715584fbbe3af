#include "steward/unit_table.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace steward::station::unit_table_test {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using test::node;
using test::Script;
using wire::UnitState;

// A table with one unit of a 10 s interval, and words for what happens to it.
struct Story {
  void hello(const std::string& session) { say(session, false); }

  void bye(const std::string& session) { say(session, true); }

  void say(const std::string& session, bool bye) {
    wire::Hello hello;
    hello.session = session;
    hello.bye = bye;
    CHECK(table.hello(node("ship1"), hello, time.now()) == UnitTable::Taken::yes);
  }

  // Lets time pass, waking the table only when it asked for it.
  void wait(std::chrono::milliseconds span) {
    const auto end = time.now().steady + span;
    while (table.next_deadline() && *table.next_deadline() <= end) {
      const auto step =
          std::chrono::ceil<std::chrono::milliseconds>(*table.next_deadline() - time.now().steady);
      table.tick(time.after(std::max(step, 0ms)));
    }
    time.after(std::chrono::ceil<std::chrono::milliseconds>(end - time.now().steady));
  }

  const wire::UnitRow& row() const { return *table.find("ship1"); }

  std::vector<std::string> changes() {
    Batch batch;
    table.take_changes(batch);
    std::vector<std::string> texts;
    for (const auto& change : batch.history) {
      texts.push_back(change.text);
    }
    return texts;
  }

  UnitTable table;
  Script time;
};

TEST_CASE("unit table: a unit is up at its first hello") {
  Story story;
  story.hello("A");
  CHECK(story.row().state == UnitState::up);
  CHECK(story.row().source == "hello");
  CHECK(story.row().last_seen == story.time.now().wall);
  CHECK(story.changes() == std::vector<std::string>{"never -> up (hello)"});
}

TEST_CASE("unit table: a silent unit is late after one and a half intervals and down after three") {
  Story story;
  story.hello("A");
  const auto seen = story.time.now().wall;
  story.wait(14'999ms);
  CHECK(story.row().state == UnitState::up);
  story.wait(1ms);
  CHECK(story.row().state == UnitState::late);
  CHECK(story.row().source == "silence");
  story.wait(14'999ms);
  CHECK(story.row().state == UnitState::late);
  story.wait(1ms);
  CHECK(story.row().state == UnitState::down);
  CHECK(story.row().since == seen + 30s);
  CHECK(story.row().last_seen == seen);
  CHECK(story.changes() == std::vector<std::string>{"never -> up (hello)",
                                                    "up -> late (silence)",
                                                    "late -> down (silence)"});
  CHECK_FALSE(story.table.next_deadline());
}

TEST_CASE("unit table: hellos in time keep a unit up, and a late one makes it up again") {
  Story story;
  story.hello("A");
  for (int i = 0; i < 20; ++i) {
    story.wait(10s);
    CHECK(story.row().state == UnitState::up);
    story.hello("A");
  }
  story.wait(16s);
  CHECK(story.row().state == UnitState::late);
  story.hello("A");
  CHECK(story.row().state == UnitState::up);
  story.wait(14s);
  CHECK(story.row().state == UnitState::up);
  story.wait(1s);
  CHECK(story.row().state == UnitState::late);
}

TEST_CASE(
    "unit table: a unit killed and started again is up at its first hello, without conflict") {
  Story story;
  story.hello("A");
  story.wait(40s);
  CHECK(story.row().state == UnitState::down);
  story.hello("B");
  CHECK(story.row().state == UnitState::up);
  story.wait(5s);
  story.hello("C");
  CHECK(story.row().state == UnitState::up);
  CHECK(story.row().hello.session == "C");
}

TEST_CASE("unit table: bye is down at once, and only a hello ends it") {
  Story story;
  story.hello("A");
  story.bye("A");
  CHECK(story.row().state == UnitState::down);
  CHECK(story.row().source == "bye");
  story.table.heard(node("ship1"), story.time.now());
  CHECK(story.row().state == UnitState::down);
  story.hello("B");
  CHECK(story.row().state == UnitState::up);
}

TEST_CASE("unit table: the bye of a superseded session changes nothing") {
  Story story;
  story.hello("A");
  story.hello("B");
  story.bye("A");
  CHECK(story.row().state == UnitState::up);
}

TEST_CASE("unit table: two sessions by turns are a conflict, over when one falls silent") {
  Story story;
  story.hello("A");
  story.hello("B");
  story.hello("A");
  CHECK(story.row().state == UnitState::conflict);
  CHECK(story.row().other_session == "B");
  for (int i = 0; i < 5; ++i) {
    story.wait(5s);
    story.hello("B");
    story.wait(5s);
    story.hello("A");
    CHECK(story.row().state == UnitState::conflict);
  }
  for (int i = 0; i < 2; ++i) {
    story.wait(10s);
    story.hello("A");
    CHECK(story.row().state == UnitState::conflict);
  }
  story.wait(6s);
  CHECK(story.row().state == UnitState::up);
  CHECK(story.row().hello.session == "A");
  CHECK(story.row().other_session.empty());
}

TEST_CASE("unit table: a conflict is over when one of the two says bye") {
  for (const std::string leaver : {"A", "B"}) {
    Story story;
    story.hello("A");
    story.hello("B");
    story.hello("A");
    CHECK(story.row().state == UnitState::conflict);
    story.bye(leaver);
    CHECK(story.row().state == UnitState::up);
    CHECK(story.row().hello.session == (leaver == "A" ? "B" : "A"));
  }
}

TEST_CASE("unit table: when both sessions of a conflict fall silent the unit is down") {
  Story story;
  story.hello("A");
  story.hello("B");
  story.hello("A");
  story.wait(31s);
  CHECK(story.row().state == UnitState::down);
}

TEST_CASE("unit table: an event is a sign of life of a unit never seen, and of a silent one") {
  Story story;
  story.table.heard(node("ship1"), story.time.now());
  CHECK(story.row().state == UnitState::up);
  CHECK(story.row().source == "ack");
  story.wait(40s);
  CHECK(story.row().state == UnitState::down);
  story.table.heard(node("ship1"), story.time.now());
  CHECK(story.row().state == UnitState::up);
}

TEST_CASE("unit table: a unit that is expected is never, and stays so") {
  Story story;
  story.table.expect(node("ship1"), story.time.now());
  story.wait(1h);
  CHECK(story.row().state == UnitState::never);
  CHECK(story.row().source == "configuration");
}

TEST_CASE("unit table: a restored row has its usual time to be heard of") {
  Story story;
  wire::UnitRow row;
  row.unit = "ship1";
  row.state = UnitState::up;
  story.table.restore(row, story.time.now());
  story.wait(14s);
  CHECK(story.row().state == UnitState::up);
  story.wait(17s);
  CHECK(story.row().state == UnitState::down);
}

TEST_CASE("unit table: a handler that changes its state is told") {
  Story story;
  wire::Hello hello;
  hello.session = "A";
  hello.handlers = {{"shellcommand", "operatingsystem", "running", 0}};
  story.table.hello(node("ship1"), hello, story.time.now());
  (void)story.changes();
  hello.handlers[0].state = "restarting";
  hello.handlers[0].restarts = 1;
  story.table.hello(node("ship1"), hello, story.time.now());
  CHECK(story.changes() ==
        std::vector<std::string>{
            "shellcommand.operatingsystem: running -> restarting (restarts: 1)"});
}

TEST_CASE("unit table: a tick looks only at units whose deadline has come") {
  UnitTable table;
  Script time;
  wire::Hello slow;
  slow.interval = 1h;
  for (int i = 0; i < 10'000; ++i) {
    table.hello(node("unit" + std::to_string(i)), slow, time.now());
  }
  wire::Hello quick;
  table.hello(node("ship1"), quick, time.now());
  CHECK(*table.next_deadline() == time.now().steady + 15s);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 10'000; ++i) {
    table.tick(time.after(1ms));
  }
  // 10,000 ticks over 10,000 rows would be 100 million looks.
  CHECK(std::chrono::steady_clock::now() - began < 1s);
  CHECK(table.counts().at(UnitState::up) == 10'001);
}

TEST_CASE("unit table: an absurd interval is bounded") {
  Story story;
  wire::Hello hello;
  hello.interval = std::chrono::milliseconds::max();
  story.table.hello(node("ship1"), hello, story.time.now());
  CHECK(*story.table.next_deadline() == story.time.now().steady + 90min);
}

}  // namespace
}  // namespace steward::station::unit_table_test
