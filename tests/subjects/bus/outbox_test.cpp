#include "subjects/bus/outbox.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using steward::bus::Message;
using steward::bus::Outbox;
using namespace std::chrono_literals;
namespace wire = steward::wire;

namespace {

const wire::MessageId kEpoch = wire::MessageId::make(1, {1});

// An outbox whose messages carry their number as payload, and a clock that the test turns.
struct Fixture {
  Outbox::Clock::time_point now{};
  Outbox outbox;

  explicit Fixture(Outbox::Limits limits = {}) : outbox(kEpoch, limits) {}

  std::string add() {
    const auto seal = [](const wire::Position& position) {
      return Message{"ship1.event.ack.shellcommand", {}, std::to_string(position.seq), {}};
    };
    return outbox.add(seal, now).payload;
  }

  void add(int count) {
    for (int i = 0; i < count; ++i) {
      add();
    }
  }

  void acknowledged(std::uint64_t upto) { outbox.acknowledged(kEpoch, upto, now); }

  std::vector<std::string> due() {
    std::vector<std::string> numbers;
    for (const auto& message : outbox.due(now)) {
      numbers.push_back(message.payload);
    }
    return numbers;
  }

  std::vector<std::string> due_in(std::chrono::milliseconds time) {
    now += time;
    return due();
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
  f.add(3);
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
  f.add(2);
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
  f.add(2);
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
  f.add(3);
  f.outbox.send_again(1, f.now);
  CHECK(f.outbox.next_due() == f.now);
  CHECK(f.due() == Numbers{"1", "2", "3"});
  CHECK(f.due().empty());
  CHECK(f.due_in(1s) == Numbers{"1", "2", "3"});
}

TEST_CASE("outbox: a station that misses some gets them from there on") {
  Fixture f;
  f.add(4);
  f.outbox.send_again(3, f.now);
  CHECK(f.due() == Numbers{"3", "4"});
  f.outbox.send_again(5, f.now);  // not given out yet
  CHECK(f.due().empty());
}

TEST_CASE("outbox: a long queue goes out a window ahead of what is acknowledged, without a pause") {
  Fixture f({.window = 3});
  f.add(8);
  f.outbox.send_again(1, f.now);
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
  f.add(5);
  CHECK(f.due_in(1s) == Numbers{"1", "2"});
  CHECK(f.due_in(2s) == Numbers{"1", "2"});
  f.outbox.send_again(4, f.now);
  CHECK(f.due() == Numbers{"4", "5"});
  f.acknowledged(2);
  CHECK(f.due_in(1s) == Numbers{"3", "4"});
}

TEST_CASE("outbox: ignores another epoch's acknowledgement, an old one and one of the future") {
  Fixture f;
  f.add(2);
  f.outbox.acknowledged(wire::MessageId::make(1, {2}), 2, f.now);
  CHECK(f.outbox.depth() == 2);
  f.acknowledged(0);
  f.acknowledged(3);
  CHECK(f.outbox.depth() == 2);
  f.acknowledged(2);
  f.acknowledged(2);
  CHECK(f.outbox.depth() == 0);
}

TEST_CASE("outbox: too full it says so and still keeps every event") {
  Fixture f({.bytes = 60});
  f.add();
  CHECK(!f.outbox.full());
  f.add(2);
  CHECK(f.outbox.full());
  f.add();
  CHECK(f.outbox.depth() == 4);
  f.acknowledged(3);
  CHECK(!f.outbox.full());
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
