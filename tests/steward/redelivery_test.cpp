#include "steward/redelivery.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace steward::station::redelivery_test {
namespace {

using std::chrono::milliseconds;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using test::id;
using test::Script;

// Redelivery without chance, and what it sends.
struct Story {
  explicit Story(Redelivery::Settings settings = {})
      : redelivery(
            settings,
            {[this] { return chance; },
             [this](std::string_view unit) { return there.count(std::string(unit)) != 0; }}) {}

  Redelivery::Command command(std::uint64_t number, std::size_t bytes = 10) const {
    return {id(number), number, time.now().wall + 1h, bytes};
  }

  void publish(std::uint64_t number, const std::string& unit = "ship1", std::size_t bytes = 10) {
    redelivery.published(command(number, bytes), unit, time.now());
  }

  void answer(std::uint64_t number, const std::string& unit = "ship1") {
    redelivery.answered(id(number), unit, time.now());
  }

  // The numbers that go out now, to all units.
  std::vector<std::uint64_t> send() {
    std::vector<std::uint64_t> numbers;
    for (const auto& sent : redelivery.due(time.now())) {
      std::uint64_t number = 0;
      while (!(id(number) == sent.command)) {
        ++number;
      }
      numbers.push_back(number);
      units.push_back(sent.unit);
    }
    return numbers;
  }

  // When, in the next time, something goes out.
  std::vector<milliseconds> sendings(milliseconds during, milliseconds step = 100ms) {
    std::vector<milliseconds> times;
    for (auto passed = step; passed <= during; passed += step) {
      time.after(step);
      if (!send().empty()) {
        times.push_back(passed);
      }
    }
    return times;
  }

  Script time;
  double chance = 0.5;  // no jitter
  std::set<std::string> there;
  std::vector<std::string> units;
  Redelivery redelivery;
};

using Numbers = std::vector<std::uint64_t>;
using Times = std::vector<milliseconds>;

TEST_CASE("redelivery: a command without a word goes out again after 1, 2, 4 s ... 5 min") {
  Story story;
  story.publish(1);
  CHECK(story.sendings(20min, 1s) ==
        Times{1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 512s, 812s, 1112s});
}

TEST_CASE("redelivery: chance spreads the times by a fifth to either side") {
  Story story;
  story.chance = 0;
  story.publish(1);
  CHECK(story.sendings(6s) == Times{800ms, 1600ms, 3200ms});
  Story late;
  late.chance = 1;
  late.publish(1);
  CHECK(late.sendings(6s) == Times{1200ms, 2400ms, 4800ms});
}

TEST_CASE("redelivery: nothing goes out once a word has come") {
  Story story;
  story.there = {"ship1"};
  story.publish(1);
  story.answer(1);
  CHECK(story.sendings(10min, 1s).empty());
  CHECK(story.redelivery.size() == 0);
  CHECK_FALSE(story.redelivery.next_due(story.time.now()));
}

TEST_CASE("redelivery: a unit that comes back gets all that it missed at once, in order") {
  Story story;
  for (const auto number : {3, 1, 2, 5, 4}) {
    story.redelivery.restore(story.command(number), "ship1", story.time.now());
  }
  story.there = {"ship1"};
  story.redelivery.returned("ship1", story.time.now());
  CHECK(story.send() == Numbers{1, 2, 3, 4, 5});
  SUBCASE("and again at once when it comes back before it has answered") {
    story.answer(1);
    story.time.after(100ms);
    story.redelivery.returned("ship1", story.time.now());
    CHECK(story.send() == Numbers{2, 3, 4, 5});
  }
  SUBCASE("the next one after a second, but not those that were answered") {
    story.answer(2);
    story.answer(4);
    story.time.after(999ms);
    CHECK(story.send().empty());
    story.time.after(1ms);
    CHECK(story.send() == Numbers{1, 3, 5});
  }
}

TEST_CASE("redelivery: no more than a window of commands is in flight to a unit") {
  Story story({.window = 3});
  for (std::uint64_t number = 1; number <= 7; ++number) {
    story.redelivery.restore(story.command(number), "ship1", story.time.now());
  }
  story.there = {"ship1"};
  story.redelivery.returned("ship1", story.time.now());
  CHECK(story.send() == Numbers{1, 2, 3});
  CHECK(story.send().empty());
  story.answer(1);
  CHECK(story.send() == Numbers{4});
  story.answer(3);
  story.answer(2);
  CHECK(story.send() == Numbers{5, 6});
  story.answer(4);
  story.answer(5);
  story.answer(6);
  CHECK(story.send() == Numbers{7});
}

TEST_CASE("redelivery: the window counts bytes too, and one large command fits always") {
  Story story({.window_bytes = 1000});
  for (const auto& [number, bytes] :
       std::map<std::uint64_t, std::size_t>{{1, 5000}, {2, 400}, {3, 400}, {4, 400}, {5, 400}}) {
    story.redelivery.restore(story.command(number, bytes), "ship1", story.time.now());
  }
  story.there = {"ship1"};
  story.redelivery.returned("ship1", story.time.now());
  CHECK(story.send() == Numbers{1});
  story.answer(1);
  CHECK(story.send() == Numbers{2, 3, 4});
}

TEST_CASE("redelivery: a unit that seems to be away is probed with its first command only") {
  Story story;
  for (std::uint64_t number = 1; number <= 5; ++number) {
    story.publish(number);
  }
  CHECK(story.redelivery.size() == 5);
  story.time.after(1s);
  CHECK(story.send() == Numbers{1});
  SUBCASE("whoever answers the probe gets the next") {
    story.answer(1);
    CHECK(story.send() == Numbers{2});
  }
  SUBCASE("as soon as it is known to be there, it gets them all") {
    story.there = {"ship1"};
    story.redelivery.returned("ship1", story.time.now());
    CHECK(story.send() == Numbers{1, 2, 3, 4, 5});
  }
}

TEST_CASE("redelivery: one that is there and says nothing is probed, and all go out now and then") {
  Story story;
  story.there = {"ship1"};
  for (std::uint64_t number = 1; number <= 3; ++number) {
    story.publish(number);
  }
  const auto next = [&story] {
    const auto due = story.redelivery.next_due(story.time.now());
    REQUIRE(due);
    story.time.after(std::chrono::ceil<milliseconds>(*due - story.time.now().steady));
    return story.send();
  };
  CHECK(next() == Numbers{1, 2, 3});
  CHECK(next() == Numbers{1});
  CHECK(next() == Numbers{1});
  CHECK(next() == Numbers{1});
  CHECK(next() == Numbers{1, 2, 3});
  CHECK(next() == Numbers{1});
  // It has begun to listen: all follow, in their order.
  story.answer(1);
  CHECK(story.send() == Numbers{2, 3});
}

TEST_CASE("redelivery: what was published a moment ago is not sent again with older ones") {
  Story story;
  story.there = {"ship1"};
  story.publish(1);
  story.time.after(900ms);
  story.publish(2);
  story.time.after(100ms);
  CHECK(story.send() == Numbers{1});
  story.answer(1);
  story.time.after(1s);
  CHECK(story.send() == Numbers{2});
}

TEST_CASE("redelivery: under a steady stream of commands a lost one is sent again within 2 s") {
  Story story;
  story.there = {"ship1"};
  story.publish(1);
  Numbers sent;
  for (std::uint64_t number = 2; number < 100 && sent.empty(); ++number) {
    story.publish(number);
    story.time.after(20ms);
    story.answer(number);
    sent = story.send();
  }
  CHECK(sent == Numbers{1});
}

TEST_CASE("redelivery: all units together keep the pace, and each has its turn") {
  Story story({.per_second = 100, .burst = 20, .turn = 4});
  story.there = {"ship1", "ship2", "ship3"};
  for (std::uint64_t number = 1; number <= 90; ++number) {
    const auto unit = "ship" + std::to_string(1 + (number - 1) / 30);
    story.redelivery.restore(story.command(number), unit, story.time.now());
  }
  for (const auto& unit : story.there) {
    story.redelivery.returned(unit, story.time.now());
  }
  CHECK(story.send() ==
        Numbers{1, 2, 3, 4, 31, 32, 33, 34, 61, 62, 63, 64, 5, 6, 7, 8, 35, 36, 37, 38});
  CHECK(story.send().empty());
  REQUIRE(story.redelivery.next_due(story.time.now()));
  story.time.after(100ms);
  CHECK(story.send().size() == 10);
}

TEST_CASE("redelivery: a large command takes as much of the pace as it has bytes") {
  Story story({.per_second = 100, .burst = 10, .bytes_a_token = 1000});
  story.there = {"ship1"};
  for (std::uint64_t number = 1; number <= 5; ++number) {
    story.redelivery.restore(story.command(number, 9'500), "ship1", story.time.now());
  }
  story.redelivery.returned("ship1", story.time.now());
  CHECK(story.send() == Numbers{1});
  story.time.after(100ms);
  CHECK(story.send() == Numbers{2});
}

TEST_CASE("redelivery: ten thousand units that come back at once are served at the pace") {
  Story story;
  for (std::uint64_t unit = 0; unit < 10'000; ++unit) {
    const auto name = "ship" + std::to_string(unit);
    story.there.insert(name);
    story.redelivery.restore(story.command(1), name, story.time.now());
  }
  for (const auto& unit : story.there) {
    story.redelivery.returned(unit, story.time.now());
  }
  std::size_t most = 0;
  std::size_t all = 0;
  for (int tenth = 0; tenth < 40 && all < 10'000; ++tenth) {
    const auto sent = story.send();
    for (const auto& unit : std::exchange(story.units, {})) {
      story.answer(1, unit);
    }
    most = std::max(most, sent.size());
    all += sent.size();
    story.time.after(100ms);
  }
  CHECK(all == 10'000);
  CHECK(most <= 1'001);
  CHECK(story.redelivery.size() == 0);
}

TEST_CASE("redelivery: nothing goes out after its time, and it does not hold up the others") {
  Story story({.window = 1});
  story.publish(1);
  story.time.after(1h);
  story.publish(2);
  story.time.after(1s);
  CHECK(story.send() == Numbers{2});
  story.there = {"ship1"};
  story.redelivery.returned("ship1", story.time.now());
  CHECK(story.send() == Numbers{2});
}

TEST_CASE("redelivery: what a cancel withholds goes out no more, and the cancel does") {
  Story story;
  story.publish(1);
  story.publish(2);  // the cancel of 1
  story.answer(1);   // so is a command withheld
  story.time.after(1s);
  CHECK(story.send() == Numbers{2});
}

TEST_CASE("redelivery: a broadcast goes to each unit that has not said a word, and to no other") {
  Story story;
  for (const std::string unit : {"ship1", "ship2", "ship3"}) {
    story.publish(7, unit);
  }
  story.answer(7, "ship2");
  story.time.after(1s);
  CHECK(story.send() == Numbers{7, 7});
  CHECK(std::set<std::string>(story.units.begin(), story.units.end()) ==
        std::set<std::string>{"ship1", "ship3"});
  CHECK(story.redelivery.size() == 2);
}

TEST_CASE("redelivery: after a restart all go out soon, not all at the same moment") {
  Story story;
  for (std::uint64_t number = 1; number <= 10; ++number) {
    story.chance = static_cast<double>(number) / 10;
    story.redelivery.restore(
        story.command(number), "ship" + std::to_string(number), story.time.now());
  }
  CHECK(story.send().empty());
  CHECK(story.sendings(1200ms, 10ms).size() == 10);
}

TEST_CASE("redelivery: begun anew, each command goes out within a second, whatever came before") {
  Story story;
  story.publish(1);
  CHECK(story.sendings(10min, 1s).size() == 10);
  story.redelivery.again(story.time.now());
  CHECK(story.sendings(1s) == Times{500ms});
  CHECK(story.sendings(1s) == Times{500ms});
}

TEST_CASE("redelivery: a word about one command begins the waiting for the others anew") {
  Story story;
  story.publish(1);
  story.publish(2);
  (void)story.sendings(10min, 1s);
  story.answer(1);
  CHECK(story.send() == Numbers{2});
  CHECK(story.sendings(4s) == Times{1s, 2s, 4s});
}

}  // namespace
}  // namespace steward::station::redelivery_test
