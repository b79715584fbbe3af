#include "steward/recall.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace steward::station::recall_test {
namespace {

using std::chrono_literals::operator""s;
using test::id;
using test::Script;
using wire::CommandState;

using Ids = std::vector<wire::MessageId>;

struct Story {
  void step(std::uint64_t number, CommandState state) {
    recall.step(id(number), "ship1", state, time.now());
  }

  // Says hello every ten seconds, and gives what is asked at the last.
  Ids hellos(int count, std::int64_t ledger_open, std::int64_t outbox_depth = 0) {
    Ids asked;
    for (int i = 0; i < count; ++i) {
      asked = recall.hello({"ship1", ledger_open, outbox_depth}, time.after(10s));
    }
    return asked;
  }

  Recall recall;
  Script time;
};

TEST_CASE("recall: a unit that knows fewer commands for 30 s is asked about them") {
  Story story;
  story.step(1, CommandState::accepted);
  story.step(2, CommandState::running);
  CHECK(story.hellos(3, 0).empty());
  CHECK(story.hellos(1, 0) == Ids{id(1), id(2)});
}

TEST_CASE("recall: a unit that knows as many is not asked, nor for what it has not accepted") {
  Story story;
  story.step(1, CommandState::accepted);
  story.step(2, CommandState::sent);
  CHECK(story.hellos(20, 1).empty());
}

TEST_CASE("recall: what has ended is not asked for") {
  Story story;
  story.step(1, CommandState::accepted);
  story.step(2, CommandState::accepted);
  story.step(1, CommandState::done);
  CHECK(story.hellos(4, 0) == Ids{id(2)});
}

TEST_CASE("recall: while its outbox holds words, a unit is not asked") {
  Story story;
  story.step(1, CommandState::accepted);
  CHECK(story.hellos(20, 0, 3).empty());
  CHECK(story.hellos(4, 0) == Ids{id(1)});
}

TEST_CASE("recall: a command of which a word came a moment ago is not asked for") {
  Story story;
  story.step(1, CommandState::accepted);
  (void)story.hellos(3, 0);
  story.step(2, CommandState::accepted);
  CHECK(story.hellos(1, 0) == Ids{id(1)});
}

TEST_CASE("recall: asked in vain, it asks again, less and less often") {
  Story story;
  story.step(1, CommandState::accepted);
  std::vector<int> asked;
  for (int hello = 1; hello <= 60; ++hello) {
    if (!story.hellos(1, 0).empty()) {
      asked.push_back(hello);
    }
  }
  CHECK(asked == std::vector<int>{4, 10, 22, 46});
}

TEST_CASE("recall: of many commands a part is asked for at a time, by turns") {
  Story story;
  for (std::uint64_t number = 1; number <= 300; ++number) {
    story.step(number, CommandState::accepted);
  }
  const auto first = story.hellos(4, 100);
  CHECK(first.size() == Recall::kMostRefs);
  CHECK(first.front() == id(1));
  const auto second = story.hellos(6, 100);
  CHECK(second.front() == id(257));
}

}  // namespace
}  // namespace steward::station::recall_test
