#include "subjects/bus/follower.hpp"

#include "tests/subjects/bus/fake_jetstream.hpp"

#include <doctest/doctest.h>

namespace steward::bus::follower_test {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using Kind = Follower::Taken::Kind;

struct Story {
  explicit Story(StreamPosition last = {})
      : follower(bus,
                 client.jetstream,
                 {"STATE", "tag"},
                 std::move(last),
                 {[](Message&&) {},
                  [this] { ++missing; },
                  [this](std::string text) { said.push_back(std::move(text)); }}) {}

  // So many messages, numbered on.
  void store(int count) {
    for (int i = 0; i < count; ++i) {
      broker.store("STATE", "id" + std::to_string(++stored));
    }
  }

  void connect() {
    follower.link(true, client.now);
    step();
  }

  // Lets time pass and all questions be answered.
  void step(std::chrono::milliseconds time = 0ms) {
    client.now += time;
    follower.tick(client.now);
    client.pump();
  }

  // Takes all that the broker pushes; their ids.
  std::vector<std::string> take() {
    std::vector<std::string> ids;
    while (const auto message = broker.push()) {
      if (auto taken = follower.take(*message, client.now); taken.kind == Kind::message) {
        ids.push_back(taken.position.id);
      }
    }
    return ids;
  }

  MemoryBus bus;
  test::FakeJetStream broker{bus};
  test::Client client{bus};
  int stored = 0;
  int missing = 0;
  std::vector<std::string> said;
  Follower follower;
};

using Ids = std::vector<std::string>;

TEST_CASE("follower: each message once and in order, and caught up when all there were have come") {
  Story story;
  story.store(3);
  story.connect();
  CHECK_FALSE(story.follower.caught_up());
  const auto first = story.follower.take(*story.broker.push(), story.client.now);
  CHECK(first.position.seq == 1);
  CHECK(first.position.id == "id1");
  CHECK_FALSE(first.fresh);
  CHECK(story.take() == Ids{"id2", "id3"});
  CHECK(story.follower.caught_up());
  story.store(1);
  CHECK(story.follower.take(*story.broker.push(), story.client.now).fresh);
}

TEST_CASE("follower: an empty stream is caught up with at once") {
  Story story;
  story.broker.streams["STATE"];
  story.connect();
  CHECK(story.follower.caught_up());
}

TEST_CASE("follower: messages that come before the answer to its making count") {
  Story story;
  story.store(2);
  story.follower.link(true, story.client.now);
  story.follower.tick(story.client.now);
  // The answer to STREAM.INFO; that to CONSUMER.CREATE waits.
  for (const auto& answer : std::exchange(story.client.answers, {})) {
    story.client.jetstream.take(answer, story.client.now);
  }
  CHECK(story.take() == Ids{"id1", "id2"});
  CHECK_FALSE(story.follower.caught_up());
  story.client.pump();
  CHECK(story.follower.caught_up());
}

TEST_CASE("follower: it goes on behind where an earlier run was") {
  Story first;
  first.store(5);
  first.connect();
  (void)first.take();
  auto position = first.follower.last();
  Story second(position);
  second.store(7);
  second.connect();
  CHECK(second.take() == Ids{"id6", "id7"});
  CHECK(second.said.empty());
}

TEST_CASE("follower: a message that is missing is asked for again, behind the last one") {
  Story story;
  story.store(5);
  story.connect();
  CHECK(story.follower.take(*story.broker.push(), story.client.now).kind == Kind::message);
  (void)story.broker.push();  // lost on the way
  CHECK(story.take().empty());
  CHECK_FALSE(story.follower.caught_up());
  story.step(Follower::kLongestRetry);
  CHECK(story.broker.consumers.size() == 2);
  CHECK(story.take() == Ids{"id2", "id3", "id4", "id5"});
  CHECK(story.follower.caught_up());
}

TEST_CASE("follower: the last one missing is seen from the next heartbeat") {
  Story story;
  story.store(2);
  story.connect();
  CHECK(story.follower.take(*story.broker.push(), story.client.now).kind == Kind::message);
  (void)story.broker.push();
  (void)story.follower.take(story.broker.heartbeat(), story.client.now);
  story.step(Follower::kLongestRetry);
  CHECK(story.take() == Ids{"id2"});
}

TEST_CASE("follower: silence makes a new consumer, heartbeats do not") {
  Story story;
  story.store(1);
  story.connect();
  CHECK(story.take() == Ids{"id1"});
  for (int i = 0; i < 10; ++i) {
    story.step(Follower::kHeartbeat);
    (void)story.follower.take(story.broker.heartbeat(), story.client.now);
  }
  CHECK(story.broker.consumers.size() == 1);
  story.step(Follower::kSilence);
  story.step(Follower::kLongestRetry);
  CHECK(story.broker.consumers.size() == 2);
  CHECK(story.broker.consumers.back().next == 2);
}

TEST_CASE("follower: what an earlier consumer still sends is not taken") {
  Story story;
  story.store(2);
  story.connect();
  const auto old = *story.broker.push();
  story.connect();
  CHECK(story.follower.take(old, story.client.now).kind == Kind::nothing);
  CHECK(story.take() == Ids{"id1", "id2"});
}

TEST_CASE("follower: a store that was emptied or rolled back is followed from its first message") {
  Story story;
  story.store(5);
  story.connect();
  (void)story.take();
  story.follower.link(false, story.client.now);
  auto& messages = story.broker.streams["STATE"].messages;
  SUBCASE("emptied") { messages.clear(); }
  SUBCASE("shorter") { messages.resize(3); }
  SUBCASE("another message at that number") {
    messages.resize(2);
    story.store(6);
  }
  SUBCASE("the same id at another time") { messages[4].nanoseconds += 5'000; }
  story.connect();
  REQUIRE(story.said.size() == 1);
  CHECK(story.said[0].find("lost or rolled back") != std::string::npos);
  CHECK(story.broker.consumers.back().next == 1);
  CHECK(story.take().size() == messages.size());
}

TEST_CASE("follower: messages that are gone before they were read are told, and it goes on") {
  Story story;
  story.store(2);
  story.connect();
  (void)story.take();
  story.follower.link(false, story.client.now);
  story.store(4);
  auto& stream = story.broker.streams["STATE"];
  stream.messages.erase(stream.messages.begin(), stream.messages.begin() + 4);
  stream.first = 5;
  story.connect();
  REQUIRE(story.said.size() == 1);
  CHECK(story.said[0].find("messages 3 to 4 of STATE") != std::string::npos);
  CHECK(story.take() == Ids{"id5", "id6"});
}

TEST_CASE("follower: the broker is let go on when all before its pause is done with") {
  Story story;
  story.broker.streams["STATE"];
  story.connect();
  Message pause{story.broker.consumers.back().deliver_to, {}, {}, "$JS.FC.STATE.x"};
  pause.headers.add("Status", "100");
  const auto before = story.bus.published().size();
  const auto taken = story.follower.take(pause, story.client.now);
  REQUIRE(taken.kind == Kind::pause);
  CHECK(story.bus.published().size() == before);
  story.follower.resume(taken.resume);
  CHECK(story.bus.published().back().subject == "$JS.FC.STATE.x");
  auto stalled = story.broker.heartbeat();
  stalled.headers.add("Nats-Consumer-Stalled", "$JS.FC.STATE.y");
  CHECK(story.follower.take(stalled, story.client.now).resume == "$JS.FC.STATE.y");
}

TEST_CASE("follower: a stored message that looks like a status is a message") {
  Story story;
  story.store(1);
  story.connect();
  auto message = *story.broker.push();
  message.headers.add("Status", "100");
  CHECK(story.follower.take(message, story.client.now).kind == Kind::message);
}

TEST_CASE("follower: a stream that is missing is told, and it tries until it is there") {
  Story story;
  story.connect();
  CHECK(story.missing == 1);
  story.step(Follower::kFirstRetry);
  CHECK(story.missing == 2);
  story.store(1);
  story.follower.nudge(story.client.now);
  story.step();
  CHECK(story.take() == Ids{"id1"});
}

TEST_CASE("follower: a broker that does not answer is asked again") {
  Story story;
  story.store(1);
  story.broker.deaf = true;
  story.connect();
  story.step(JetStream::kPatience);
  story.broker.deaf = false;
  story.step(Follower::kLongestRetry);
  CHECK(story.take() == Ids{"id1"});
}

TEST_CASE("follower: the longer form of a delivery's address is read as well") {
  Story story;
  story.store(1);
  story.connect();
  auto message = *story.broker.push();
  message.reply.insert(std::string("$JS.ACK.").size(), "hub.account.");
  message.reply += ".token";
  CHECK(story.follower.take(message, story.client.now).position.seq == 1);
}

}  // namespace
}  // namespace steward::bus::follower_test
