#include "steward/received_table.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace steward::station::received_table_test {
namespace {

using std::chrono_literals::operator""s;
using test::id;
using test::Script;
using Verdict = ReceivedTable::Verdict;

struct Story {
  Verdict note(std::uint64_t seq, std::uint64_t epoch = 1) {
    return table.note("ship1", {id(epoch), seq}, time.now());
  }

  void begins(std::uint64_t first, std::uint64_t epoch = 1) {
    table.told("ship1", {{id(epoch), first}}, time.now());
  }

  std::uint64_t upto(std::uint64_t epoch = 1) {
    Batch batch;
    table.take_changes(batch);
    lost += batch.history.size();
    const auto at = batch.received.find({"ship1", id(epoch)});
    return at == batch.received.end() ? 0 : at->second;
  }

  ReceivedTable table;
  Script time;
  std::size_t lost = 0;
};

TEST_CASE("received: events in order are each fresh once, and acknowledged cumulatively") {
  Story story;
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    CHECK(story.note(seq) == Verdict::fresh);
  }
  CHECK(story.upto() == 5);
  CHECK(story.note(3) == Verdict::repeated);
  CHECK(story.upto() == 5);
  CHECK(story.upto() == 0);
}

TEST_CASE("received: events beyond a gap are folded once and acknowledged when it is filled") {
  Story story;
  story.note(1);
  CHECK(story.note(4) == Verdict::fresh);
  CHECK(story.note(3) == Verdict::fresh);
  CHECK(story.note(6) == Verdict::fresh);
  CHECK(story.note(4) == Verdict::repeated);
  CHECK(story.upto() == 1);
  CHECK(story.note(2) == Verdict::fresh);
  CHECK(story.upto() == 4);
  CHECK(story.note(5) == Verdict::fresh);
  CHECK(story.upto() == 6);
}

TEST_CASE("received: a gap that stays for two seconds is asked for, with growing patience") {
  Story story;
  story.note(1);
  story.note(3);
  CHECK(story.table.due(story.time.after(1s)).empty());
  auto due = story.table.due(story.time.after(1s));
  REQUIRE(due.size() == 1);
  CHECK(due[0].unit == "ship1");
  CHECK(due[0].from == 2);
  CHECK(story.table.due(story.time.after(3s)).empty());
  CHECK(story.table.due(story.time.after(1s)).size() == 1);
  story.note(2);
  CHECK(story.upto() == 3);
  CHECK(story.table.due(story.time.after(60s)).empty());
}

TEST_CASE("received: what the unit itself no longer has is given up and told") {
  Story story;
  for (const std::uint64_t seq : {1, 5, 6, 8, 12}) {
    CHECK(story.note(seq) == Verdict::fresh);
  }
  CHECK(story.upto() == 1);
  story.begins(2);
  CHECK(story.upto() == 0);  // it has all of it
  story.begins(9);
  CHECK(story.upto() == 8);
  CHECK(story.lost == 2);
  CHECK(story.note(9) == Verdict::fresh);
  CHECK(story.upto() == 9);
  // What is not before anything heard may still come: another station has it, and so the stream.
  story.begins(20);
  CHECK(story.upto() == 12);
  CHECK(story.note(13) == Verdict::fresh);
  CHECK(story.upto() == 13);
  CHECK(story.lost == 3);
}

TEST_CASE("received: a gap whose end the unit still has is given up to there") {
  Story story;
  story.note(1);
  story.note(9);
  story.begins(5);
  CHECK(story.upto() == 4);
  CHECK(story.note(5) == Verdict::fresh);
  CHECK(story.upto() == 5);
  CHECK(story.lost == 1);
}

TEST_CASE("received: hundreds of epochs that come by turns are each acknowledged") {
  Story story;
  constexpr std::uint64_t kEpochs = 300;
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    for (std::uint64_t epoch = 1; epoch <= kEpochs; ++epoch) {
      CHECK(story.note(seq, epoch) == Verdict::fresh);
      CHECK(story.upto(epoch) == seq);
    }
  }
}

TEST_CASE("received: without an end of epochs the one not heard of for longest is forgotten") {
  Story story;
  for (std::uint64_t epoch = 1; epoch <= 2'000; ++epoch) {
    story.note(1, epoch);
    story.note(epoch + 1, 1);
  }
  Batch batch;
  story.table.take_changes(batch);
  CHECK(batch.forgotten.size() == 2'000 - 512);
  CHECK(batch.forgotten.count({"ship1", id(2)}) == 1);
  CHECK(batch.forgotten.count({"ship1", id(1)}) == 0);
  CHECK(batch.received.size() == 512);
}

TEST_CASE(
    "received: an epoch is forgotten once its unit has nothing of it, the present one never") {
  Story story;
  for (std::uint64_t epoch = 1; epoch <= 4; ++epoch) {
    story.note(1, epoch);
  }
  Batch batch;
  story.table.take_changes(batch);
  story.table.told("ship1", {}, story.time.now());
  story.table.told("ship1", std::vector<wire::OutboxBegin>(8, {id(2), 2}), story.time.now());
  story.table.take_changes(batch);
  CHECK(batch.forgotten.empty());  // neither tells all
  story.table.told("ship1", {{id(2), 2}, {id(4), 2}}, story.time.now());
  story.table.take_changes(batch);
  CHECK(batch.forgotten == decltype(batch.forgotten){{"ship1", id(1)}, {"ship1", id(3)}});
  CHECK(story.note(1, 2) == Verdict::repeated);
  CHECK(story.note(1, 4) == Verdict::repeated);
}

TEST_CASE("received: a gap is not given up while the unit does not answer") {
  Story story;
  story.note(5);
  for (int asked = 0; asked < 20; ++asked) {
    CHECK(story.table.due(story.time.after(60s)).size() == 1);
    story.note(static_cast<std::uint64_t>(10 + asked));
  }
  CHECK(story.upto() == 0);
  CHECK(story.lost == 0);
}

TEST_CASE("received: what an earlier station took of an outbox is no loss") {
  Story story;
  story.note(5);
  story.begins(5);
  Batch batch;
  story.table.take_changes(batch);
  REQUIRE(batch.history.size() == 1);
  CHECK(batch.history[0].text == "its events 1 to 4 are from before this station's time");
}

TEST_CASE("received: an outbox that another has superseded is not asked for ever") {
  Story story;
  story.note(3, 1);
  story.note(1, 2);
  int asked = 0;
  for (int minute = 0; minute < 30; ++minute) {
    asked += static_cast<int>(story.table.due(story.time.after(60s)).size());
  }
  CHECK(asked == 5);
}

TEST_CASE("received: a new epoch begins anew, the old one is still known") {
  Story story;
  story.note(1, 1);
  story.note(2, 1);
  CHECK(story.note(1, 2) == Verdict::fresh);
  CHECK(story.note(2, 1) == Verdict::repeated);
  CHECK(story.note(3, 1) == Verdict::fresh);
  CHECK(story.upto(2) == 1);
}

TEST_CASE("received: what an earlier run has committed is not folded again") {
  Story story;
  story.table.restore({"ship1", id(1), 10});
  CHECK(story.note(10) == Verdict::repeated);
  CHECK(story.upto() == 10);
  CHECK(story.note(11) == Verdict::fresh);
}

TEST_CASE("received: gaps without end are refused, not remembered") {
  Story story;
  Verdict last = Verdict::fresh;
  for (std::uint64_t seq = 2; seq < 10'000; seq += 2) {
    last = story.note(seq);
  }
  CHECK(last == Verdict::refused);
  CHECK(story.note(1) == Verdict::fresh);
}

}  // namespace
}  // namespace steward::station::received_table_test
