#include "steward/rollout.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace steward::station::rollout_test {
namespace {

using std::chrono::minutes;
using test::id;
using test::Script;
using wire::CommandState;
using wire::RolloutState;

struct How {
  std::size_t units = 10;
  std::size_t canary = 0;
  std::size_t batch = 4;
  wire::Amount max_fail = {};
  minutes pause{0};
  bool approve = false;
};

std::string name_of(std::size_t number) { return "ship" + std::to_string(number); }

// A rollout whose units do what they are told to.
class Story {
 public:
  explicit Story(const How& how)
      : rollout({.rollout = id(1),
                 .method = "shellcommand",
                 .domain = "operatingsystem",
                 .payload = {},
                 .units = how.units,
                 .canary = how.canary,
                 .batch = how.batch,
                 .max_fail = how.max_fail,
                 .timeout = minutes(10),
                 .pause = how.pause,
                 .approve = how.approve},
                "/operator/anna",
                "true",
                time.now().wall) {
    for (std::size_t i = 0; i < how.units; ++i) {
      CHECK(rollout.state() == RolloutState::receiving);
      CHECK(rollout.add(i, name_of(i), id(100 + i), time.now().wall));
    }
  }

  std::vector<std::size_t> step(minutes after = minutes(0)) {
    return rollout.step(time.after(after).wall, [this](std::string_view unit) {
      return !away.contains(std::string(unit));
    });
  }

  void ends(const std::vector<std::size_t>& numbers, CommandState state = CommandState::done) {
    for (const auto number : numbers) {
      rollout.take(number, state, time.now().wall);
    }
  }

  void away_are(std::initializer_list<std::size_t> numbers) {
    away.clear();
    for (const auto number : numbers) {
      away.insert(name_of(number));
    }
  }

  Result<void> say(wire::RolloutWord::Op op, std::size_t groups = 0, std::size_t failures = 0) {
    return rollout.take({op, id(1), groups, failures, {}}, "/operator/anna", time.now().wall);
  }

  wire::RolloutRow row() const { return rollout.row(time.now().wall); }

  Script time;
  std::set<std::string> away;
  Rollout rollout;
};

using Numbers = std::vector<std::size_t>;
using Op = wire::RolloutWord::Op;

TEST_CASE("rollout: canaries go first, then group by group, each when the one before has ended") {
  Story story({.canary = 2});
  CHECK(story.row().groups == 3);
  CHECK(story.step() == Numbers{0, 1});
  CHECK(story.step().empty());
  story.ends({0});
  CHECK(story.step().empty());
  story.ends({1}, CommandState::running);
  CHECK(story.step().empty());
  story.ends({1});
  CHECK(story.step() == Numbers{2, 3, 4, 5});
  story.ends({2, 3, 4});
  CHECK(story.step().empty());
  CHECK(story.row().counts == wire::RolloutCounts{.held = 4, .running = 1, .done = 5});
  story.ends({5});
  CHECK(story.step() == Numbers{6, 7, 8, 9});
  CHECK(story.rollout.state() == RolloutState::running);
  story.ends({6, 7, 8, 9});
  CHECK(story.step().empty());
  CHECK(story.rollout.state() == RolloutState::done);
}

TEST_CASE("rollout: it halts when more have failed than may, and not before") {
  struct Row {
    const char* what;
    std::size_t canary;
    wire::Amount max_fail;
    std::size_t good;  // groups that end well before the failures
    std::size_t failures;
    bool halts;
  };

  const auto units = wire::Amount::Of::units;
  const auto hundred = wire::Amount::Of::hundred;
  for (const Row& row : {
           Row{"none may, one has", 0, {0, units}, 0, 1, true},
           Row{"two may, two have", 0, {2, units}, 1, 2, false},
           Row{"two may, three have", 0, {2, units}, 1, 3, true},
           Row{"one of four, a quarter may", 0, {25, hundred}, 0, 1, false},
           Row{"one of four, a fifth may", 0, {20, hundred}, 0, 1, true},
           Row{"one of eight, a fifth may", 0, {20, hundred}, 1, 1, false},
           Row{"two of eight, a fifth may", 0, {20, hundred}, 1, 2, true},
           Row{"all may, all have", 0, {100, hundred}, 0, 4, false},
           Row{"a canary, though all may", 1, {100, hundred}, 0, 1, true},
       }) {
    CAPTURE(row.what);
    Story story({.units = 40, .canary = row.canary, .max_fail = row.max_fail});
    auto out = story.step();
    for (std::size_t i = 0; i < row.good; ++i) {
      story.ends(out);
      out = story.step();
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      story.ends({out[i]}, i < row.failures ? CommandState::failed : CommandState::done);
    }
    CHECK(story.step().empty() == row.halts);
    CHECK((story.rollout.state() == RolloutState::halted) == row.halts);
    CHECK((story.rollout.state() != RolloutState::halted || story.step(minutes(60)).empty()));
  }
}

TEST_CASE("rollout: every end but done is a failure, and so is none in time") {
  for (const auto state : {CommandState::failed,
                           CommandState::timed_out,
                           CommandState::refused,
                           CommandState::interrupted,
                           CommandState::expired,
                           CommandState::cancelled,
                           CommandState::running}) {
    CAPTURE(wire::word(state));
    Story story({.units = 4, .batch = 1});
    story.ends(story.step(), state);
    CHECK(story.step(minutes(9)).empty() == true);
    CHECK((story.rollout.state() == RolloutState::halted) == wire::is_terminal(state));
    CHECK(story.step(minutes(1)).empty());
    CHECK(story.rollout.state() == RolloutState::halted);
    CHECK(story.row().overdue.size() == (wire::is_terminal(state) ? 0 : 1));
  }
}

TEST_CASE("rollout: what a person has accepted does not halt it again, one more failure does") {
  Story story({.units = 12, .batch = 4});
  auto out = story.step();
  story.ends({0}, CommandState::failed);
  story.ends({1, 2, 3});
  CHECK(story.step().empty());
  CHECK(story.rollout.state() == RolloutState::halted);
  REQUIRE(story.say(Op::resume, 0, 1));
  CHECK(story.step() == Numbers{4, 5, 6, 7});
  REQUIRE(story.say(Op::resume, 0, 1));  // said twice it accepts no more
  story.ends({4}, CommandState::failed);
  CHECK(story.step().empty());
  CHECK(story.rollout.state() == RolloutState::halted);
}

TEST_CASE("rollout: a failed canary can be accepted") {
  Story story({.units = 3, .canary = 1, .batch = 1});
  story.ends(story.step(), CommandState::failed);
  CHECK(story.step().empty());
  CHECK(story.row().reason == "the canary ship0 has not ended well");
  REQUIRE(story.say(Op::resume, 0, 1));
  CHECK(story.step() == Numbers{1});
}

TEST_CASE("rollout: who is away is deferred, holds nothing up, and is taken up when it is back") {
  Story story({.units = 6, .batch = 2});
  story.away_are({1, 4});
  CHECK(story.step() == Numbers{0});
  CHECK(story.row().deferred == std::vector<std::string>{"ship1"});
  story.ends({0});
  CHECK(story.step() == Numbers{2, 3});
  story.away_are({4});
  CHECK(story.step().empty());  // two are at work already
  story.ends({2});
  CHECK(story.step() == Numbers{1});
  story.ends({3});
  CHECK(story.step() == Numbers{5});  // it does not wait for the deferred one
  story.ends({1, 5});
  CHECK(story.step().empty());
  CHECK(story.rollout.state() == RolloutState::deferred);
  CHECK(story.step(minutes(5000)).empty());
  story.away_are({});
  CHECK(story.step() == Numbers{4});
  CHECK(story.step().empty());
  CHECK(story.rollout.state() == RolloutState::running);
  story.ends({4});
  CHECK(story.step().empty());
  CHECK(story.rollout.state() == RolloutState::done);
}

TEST_CASE("rollout: a deferred unit is not released by one that is paused, halted or aborted") {
  for (const auto op : {Op::pause, Op::abort}) {
    Story story({.units = 2, .batch = 1});
    story.away_are({0, 1});
    CHECK(story.step().empty());
    REQUIRE(story.say(op));
    story.away_are({});
    CHECK(story.step().empty());
  }
  Story story({.units = 2, .batch = 1});
  story.away_are({0});
  CHECK(story.step() == Numbers{1});
  story.ends({1}, CommandState::failed);
  story.away_are({});
  CHECK(story.step().empty());
  CHECK(story.rollout.state() == RolloutState::halted);
}

TEST_CASE("rollout: canaries are those that are there; without them nothing else goes") {
  Story story({.units = 6, .canary = 2, .batch = 4});
  story.away_are({0, 2, 3, 4, 5});
  CHECK(story.step() == Numbers{1});
  story.ends({1});
  CHECK(story.step().empty());
  CHECK(story.row().reason == "1 more of its canaries has to be there");
  story.away_are({0, 2});
  CHECK(story.step() == Numbers{3});
  story.ends({3});
  CHECK(story.step() == Numbers{4, 5});
  CHECK(story.row().deferred == std::vector<std::string>{"ship0", "ship2"});
}

TEST_CASE("rollout: between groups it pauses as long as it is to") {
  Story story({.units = 2, .batch = 1, .pause = minutes(3)});
  CHECK(story.step() == Numbers{0});
  story.ends({0});
  CHECK(story.step(minutes(1)).empty());
  CHECK(story.step(minutes(2)).empty());
  CHECK(story.step(minutes(1)) == Numbers{1});
}

TEST_CASE("rollout: with approval each further group needs a word, and a word is good for one") {
  Story story({.units = 3, .batch = 1, .approve = true});
  CHECK(story.step() == Numbers{0});
  story.ends({0});
  CHECK(story.step().empty());
  CHECK(story.rollout.state() == RolloutState::waiting);
  REQUIRE(story.say(Op::resume, 2));
  REQUIRE(story.say(Op::resume, 2));
  CHECK(story.step() == Numbers{1});
  story.ends({1});
  CHECK(story.step().empty());
  CHECK(story.rollout.state() == RolloutState::waiting);
  REQUIRE(story.say(Op::resume, 3));
  CHECK(story.step() == Numbers{2});
}

TEST_CASE("rollout: paused it releases nothing, and goes on where it was") {
  Story story({.units = 4, .batch = 2});
  CHECK(story.step() == Numbers{0, 1});
  REQUIRE(story.say(Op::pause));
  story.ends({0, 1});
  CHECK(story.step().empty());
  CHECK(story.row().reason == "by /operator/anna");
  REQUIRE(story.say(Op::resume));
  CHECK(story.step() == Numbers{2, 3});
}

TEST_CASE("rollout: aborted it is over, and tells what it never released") {
  Story story({.units = 4, .batch = 2});
  CHECK(story.step() == Numbers{0, 1});
  REQUIRE(story.say(Op::abort));
  CHECK(story.rollout.held() == Numbers{2, 3});
  CHECK(story.step().empty());
  CHECK(story.say(Op::resume).error().code == ErrorCode::bad_payload);
  CHECK(story.rollout.state() == RolloutState::aborted);
}

TEST_CASE("rollout: what a station that died has released is known by what came of it") {
  Story story({.units = 6, .canary = 1, .batch = 2});
  // Nothing was released here; the commands are seen.
  CHECK(story.rollout.take(3, CommandState::sent, story.time.now().wall));
  CHECK_FALSE(story.rollout.take(3, CommandState::done, story.time.now().wall));
  CHECK(story.rollout.take(0, CommandState::sent, story.time.now().wall));
  CHECK(story.step() == Numbers{1});  // ship3 was the canary, ship0 and ship1 are the first group
  CHECK(story.row().begun == 2);
  story.ends({0, 1});
  CHECK(story.step() == Numbers{2, 4});
}

TEST_CASE("rollout: commands that were withdrawn before their turn are no failures") {
  Story story({.units = 3, .batch = 1});
  CHECK(story.step() == Numbers{0});
  story.ends({1}, CommandState::cancelled);
  story.ends({2}, CommandState::expired);
  story.ends({0});
  CHECK(story.step().empty());
  CHECK(story.rollout.state() == RolloutState::done);
  CHECK(story.row().counts == wire::RolloutCounts{.done = 1, .withdrawn = 2});
}

TEST_CASE("rollout: a place is taken once, and none is beyond the plan") {
  Story story({.units = 2});
  CHECK(story.rollout.add(0, name_of(0), id(100), story.time.now().wall));
  CHECK_FALSE(story.rollout.add(0, name_of(0), id(101), story.time.now().wall));
  CHECK_FALSE(story.rollout.add(0, name_of(1), id(100), story.time.now().wall));
  CHECK_FALSE(story.rollout.add(2, name_of(2), id(102), story.time.now().wall));
}

}  // namespace
}  // namespace steward::station::rollout_test
