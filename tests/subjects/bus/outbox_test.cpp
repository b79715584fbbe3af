#include "subjects/bus/outbox.hpp"

#include "subjects/bus/memory_storage.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace steward::tests::outbox_test {

using steward::bus::Outbox;
using namespace std::chrono_literals;
namespace bus = steward::bus;
namespace wire = steward::wire;

namespace {

const wire::MessageId kEpoch = wire::MessageId::make(1, {1});
const wire::MessageId kOlder = wire::MessageId::make(1, {2});
const wire::MessageId kOldest = wire::MessageId::make(1, {3});  // made by a clock that ran ahead
constexpr wire::Timestamp kWall{std::chrono::microseconds(1'790'000'000'000'000)};

// An outbox and a clock that the test turns.
struct Fixture {
  Outbox::Clock::time_point now{};
  Outbox outbox;

  explicit Fixture(Outbox::Limits limits = {}) : outbox(kEpoch, limits) {}

  std::string add(std::size_t bytes = 100) {
    const auto position = outbox.number(bytes);
    outbox.kept(now);
    return std::to_string(position.seq);
  }

  void add_all(int count) {
    for (int i = 0; i < count; ++i) {
      add();
    }
  }

  void acknowledged(std::uint64_t upto) { outbox.acknowledged(kEpoch, upto, now); }

  // Numbers, with a letter before them for those of older epochs.
  std::vector<std::string> due() {
    std::vector<std::string> numbers;
    for (const auto& [epoch, seq] : outbox.due(now)) {
      numbers.push_back((epoch == kOldest  ? "b"
                         : epoch == kOlder ? "a"
                                           : "") +
                        std::to_string(seq));
    }
    // Else whoever waits for what is due would not wait at all.
    CHECK((!numbers.empty() || outbox.next_due().value_or(now + 1ms) > now));
    return numbers;
  }

  std::vector<std::string> due_in(std::chrono::milliseconds time) {
    now += time;
    return due();
  }

  // Two older epochs, of which b3, b4 and a1 are left.
  void load() {
    bus::MemoryStorage storage;
    const auto put = [&storage](const wire::MessageId& epoch, std::uint64_t seq, auto age) {
      REQUIRE(storage.add_event({epoch, seq}, kWall - age, {"s", {}, "payload", {}}));
    };
    put(kOldest, 3, 1h);
    put(kOldest, 4, 59min);
    put(kOlder, 1, 10s);
    REQUIRE(outbox.load(storage, kWall, now));
  }
};

using Numbers = std::vector<std::string>;

}  // namespace

TEST_CASE("outbox: numbers from 1 without gaps, in its epoch") {
  Fixture f;
  CHECK(f.add() == "1");
  CHECK(f.add() == "2");
  f.acknowledged(2);
  CHECK(f.add() == "3");
}

TEST_CASE("outbox: an event leaves only after the station has acknowledged it") {
  Fixture f;
  f.add_all(3);
  CHECK(f.outbox.depth() == 3);
  f.acknowledged(2);
  CHECK(f.outbox.depth() == 1);
  CHECK(f.due_in(1s) == Numbers{"3"});
  CHECK(f.outbox.depth() == 1);
  f.acknowledged(3);
  CHECK(f.outbox.depth() == 0);
  CHECK(!f.outbox.next_due());
  CHECK(f.due_in(1h).empty());
}

TEST_CASE("outbox: sends again after 1 s, 2 s, 4 s and at last every 5 minutes") {
  Fixture f;
  f.add();
  CHECK(f.due_in(999ms).empty());
  CHECK(f.due_in(1ms) == Numbers{"1"});
  for (const auto pause : {2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s}) {
    CHECK(f.outbox.next_due() == f.now + pause);
    CHECK(f.due_in(pause - 1ms).empty());
    CHECK(f.due_in(1ms) == Numbers{"1"});
  }
}

TEST_CASE("outbox: an acknowledgement sets the backoff back") {
  Fixture f;
  f.add_all(2);
  CHECK(f.due_in(1s).size() == 2);
  CHECK(f.due_in(2s).size() == 2);
  f.acknowledged(1);
  CHECK(f.due_in(1s) == Numbers{"2"});
}

TEST_CASE("outbox: what has just been published is not sent again with the older") {
  Fixture f;
  f.add();
  f.now += 500ms;
  f.add();
  CHECK(f.due_in(500ms) == Numbers{"1"});
  CHECK(f.due_in(2s) == Numbers{"1", "2"});
}

TEST_CASE("outbox: an event added after an acknowledgement waits its own second, no longer") {
  Fixture f;
  f.add_all(2);
  f.now += 100ms;
  f.add();
  f.acknowledged(2);
  f.now += 100ms;
  CHECK(f.due_in(900ms) == Numbers{"3"});

  Fixture g;
  g.add();
  g.now += 900ms;
  g.add();
  g.acknowledged(1);
  g.now += 500ms;
  CHECK(g.due().empty());
  CHECK(g.due_in(500ms) == Numbers{"2"});
}

TEST_CASE("outbox: when the link is back everything kept is due at once") {
  Fixture f;
  f.add_all(3);
  f.outbox.send_again(f.now);
  CHECK(f.outbox.next_due() == f.now);
  CHECK(f.due() == Numbers{"1", "2", "3"});
  CHECK(f.due().empty());
  CHECK(f.due_in(1s) == Numbers{"1", "2", "3"});
}

TEST_CASE("outbox: a station that misses some gets them from there on") {
  Fixture f;
  f.add_all(4);
  f.outbox.send_again(kEpoch, 3, f.now);
  CHECK(f.due() == Numbers{"3", "4"});
  f.outbox.send_again(kEpoch, 5, f.now);  // not given out yet
  CHECK(f.due().empty());
}

TEST_CASE("outbox: a long queue goes out a window ahead of what is acknowledged, without a pause") {
  Fixture f({.window = 3});
  f.add_all(8);
  f.outbox.send_again(f.now);
  CHECK(f.due() == Numbers{"1", "2", "3"});
  CHECK(f.due_in(10ms).empty());
  f.acknowledged(1);
  CHECK(f.outbox.next_due() == f.now);
  CHECK(f.due() == Numbers{"4"});
  f.acknowledged(4);
  CHECK(f.due() == Numbers{"5", "6", "7"});
  f.acknowledged(7);
  CHECK(f.due() == Numbers{"8"});
  f.acknowledged(8);
  CHECK(!f.outbox.next_due());
}

TEST_CASE("outbox: without acknowledgements the window is sent again, not the whole queue") {
  Fixture f({.window = 2});
  f.add_all(5);
  CHECK(f.due_in(1s) == Numbers{"1", "2"});
  CHECK(f.due_in(2s) == Numbers{"1", "2"});
  f.outbox.send_again(kEpoch, 4, f.now);
  CHECK(f.due() == Numbers{"4", "5"});
  f.acknowledged(2);
  CHECK(f.due_in(1s) == Numbers{"3", "4"});
}

TEST_CASE("outbox: ignores another epoch's acknowledgement, an old one and one of the future") {
  Fixture f;
  f.add_all(2);
  f.outbox.acknowledged(wire::MessageId::make(1, {2}), 2, f.now);
  CHECK(f.outbox.depth() == 2);
  f.acknowledged(0);
  f.acknowledged(3);
  CHECK(f.outbox.depth() == 2);
  f.acknowledged(2);
  f.acknowledged(2);
  CHECK(f.outbox.depth() == 0);
}

TEST_CASE("outbox: much is sent again in portions, one behind the other") {
  Fixture f({.batch_bytes = 250});
  f.add_all(5);
  f.outbox.send_again(f.now);
  CHECK(f.due() == Numbers{"1", "2", "3"});
  CHECK(f.outbox.next_due() == f.now);
  CHECK(f.due() == Numbers{"4", "5"});
  CHECK(f.due().empty());
  CHECK(f.outbox.next_due() == f.now + 1s);
}

TEST_CASE("outbox: numbers of a group that was not written are given again") {
  Fixture f;
  CHECK(f.outbox.number(10).seq == 1);
  CHECK(f.outbox.number(10).seq == 2);
  f.outbox.dropped();
  CHECK(f.outbox.depth() == 0);
  CHECK(!f.outbox.next_due());
  CHECK(f.add() == "1");
}

TEST_CASE("outbox: what earlier epochs have left goes out first, in the order of their beginning") {
  Fixture f;
  f.load();
  CHECK(f.outbox.depth() == 3);
  CHECK(f.outbox.oldest(f.now) == 1h);
  f.add();
  f.outbox.send_again(f.now);
  CHECK(f.due() == Numbers{"b3", "b4", "a1", "1"});
  CHECK(f.due_in(1s) == Numbers{"b3", "b4", "a1", "1"});
}

TEST_CASE("outbox: each epoch is acknowledged for itself") {
  Fixture f;
  f.load();
  f.add_all(2);
  CHECK(f.outbox.acknowledged(kEpoch, 1, f.now));
  CHECK(f.outbox.depth() == 4);
  CHECK(f.outbox.acknowledged(kOldest, 3, f.now));
  CHECK(!f.outbox.acknowledged(kOldest, 5, f.now));  // never given out
  CHECK(!f.outbox.acknowledged(kOldest, 3, f.now));
  CHECK(f.outbox.oldest(f.now) == 59min);
  CHECK(f.due_in(1s) == Numbers{"b4", "a1", "2"});
  CHECK(f.outbox.acknowledged(kOldest, 4, f.now));
  CHECK(f.outbox.acknowledged(kOlder, 1, f.now));
  CHECK(f.outbox.depth() == 1);
  f.acknowledged(2);
  CHECK(!f.outbox.next_due());
}

TEST_CASE("outbox: a window reaches over epochs") {
  Fixture f({.window = 2});
  f.load();
  f.add();
  f.outbox.send_again(f.now);
  CHECK(f.due() == Numbers{"b3", "b4"});
  f.outbox.acknowledged(kOldest, 4, f.now);
  CHECK(f.due() == Numbers{"a1", "1"});
  CHECK(f.due().empty());
}

TEST_CASE("outbox: an old epoch's events can be asked for") {
  Fixture f;
  f.load();
  f.add();
  f.outbox.send_again(kOldest, 4, f.now);
  CHECK(f.due() == Numbers{"b4", "a1", "1"});
}

TEST_CASE("outbox: nothing is due where what was asked for has been acknowledged") {
  Fixture f;
  f.add_all(3);
  f.acknowledged(3);
  f.outbox.send_again(kEpoch, 2, f.now);
  CHECK(f.due().empty());
}

TEST_CASE("outbox: tells what each epoch begins with, ours also when it is empty") {
  Fixture f;
  f.load();
  const auto begins = [&f](std::size_t most) {
    std::string text;
    for (const auto& [epoch, seq] : f.outbox.begins(most)) {
      text += (epoch == kOldest ? " b" : epoch == kOlder ? " a" : " ") + std::to_string(seq);
    }
    return text;
  };
  CHECK(begins(8) == " b3 a1 1");
  CHECK(begins(2) == " b3 1");
  f.outbox.acknowledged(kOldest, 4, f.now);
  f.add_all(3);
  f.acknowledged(2);
  CHECK(begins(8) == " a1 3");
  f.acknowledged(3);
  CHECK(begins(8) == " a1 4");
}

TEST_CASE("outbox: tells the age of its oldest event") {
  Fixture f;
  CHECK(f.outbox.oldest(f.now) == 0ms);
  f.add();
  f.now += 3s;
  f.add();
  CHECK(f.outbox.oldest(f.now) == 3s);
  f.acknowledged(1);
  CHECK(f.outbox.oldest(f.now + 1s) == 1s);
}

}  // namespace steward::tests::outbox_test
