#include "subjects/bus/lease.hpp"

#include "tests/subjects/bus/fake_jetstream.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace steward::bus::lease_test {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

struct Party {
  Party(MemoryBus& bus, const std::string& holder, const std::string& session)
      : client(bus), lease(client.jetstream, {"steward", "lease-station", holder, session, 1, 0}) {}

  bool holds() const { return lease.held(client.now); }

  test::Client client;
  Lease lease;
};

struct Story {
  Story() { time += 1h; }

  Party& add(const std::string& holder, const std::string& session) {
    parties.push_back(std::make_unique<Party>(bus, holder, session));
    auto& party = *parties.back();
    party.client.now = time;
    party.lease.link(true, time);
    settle();
    return party;
  }

  void settle() {
    for (int i = 0; i < 5; ++i) {
      for (auto& party : parties) {
        if (std::find(frozen.begin(), frozen.end(), party.get()) == frozen.end()) {
          party->client.now = time;
          party->lease.tick(time);
          party->client.pump();
        }
      }
      int holders = 0;
      for (auto& party : parties) {
        holders += party->lease.held(time) ? 1 : 0;
      }
      CHECK(holders <= 1);
    }
  }

  void pass(std::chrono::milliseconds span) {
    for (const auto until = time + span; time < until;) {
      time += 100ms;
      settle();
    }
  }

  MemoryBus bus;
  test::FakeJetStream broker{bus};
  JetStream::Steady time{};
  std::vector<std::unique_ptr<Party>> parties;
  std::vector<Party*> frozen;
};

TEST_CASE("lease: the first takes it at once and keeps it, the second waits") {
  Story story;
  auto& first = story.add("a", "1");
  CHECK(first.holds());
  auto& second = story.add("b", "2");
  story.pass(60s);
  CHECK(first.holds());
  CHECK_FALSE(second.holds());
  CHECK(second.lease.seen_holder() == "a");
  CHECK(story.broker.made.size() == 1);
}

TEST_CASE("lease: it is taken over within 10 s of the holder's end, and never held by two") {
  for (int phase = 0; phase < 25; ++phase) {
    Story story;
    auto& first = story.add("a", "1");
    auto& second = story.add("b", "2");
    story.pass(std::chrono::milliseconds(10'000 + phase * 100));
    story.frozen = {&first};
    story.pass(7'500ms);
    CHECK_FALSE(first.lease.held(story.time));
    story.pass(2'500ms);
    CHECK(second.holds());
    // The first one wakes up again, and knows at once that it holds nothing.
    story.frozen.clear();
    CHECK_FALSE(first.lease.held(story.time));
    story.pass(20s);
    CHECK(second.holds());
    CHECK_FALSE(first.holds());
  }
}

TEST_CASE("lease: the same holder takes it back at once after a restart, another does not") {
  Story story;
  auto& first = story.add("a", "1");
  story.pass(5s);
  story.frozen = {&first};  // as if killed
  first.lease.link(false, story.time);
  story.time += 6s;
  CHECK(story.add("a", "2").holds());
  CHECK_FALSE(story.add("b", "3").holds());
}

TEST_CASE("lease: of two that are one holder by a copied folder, one waits for good") {
  Story story;
  auto& first = story.add("a", "1");
  story.pass(5s);
  // It takes it as its own; the first learns that from its next write, before which both hold it.
  story.frozen = {&first};
  story.time += 6s;
  auto& copy = story.add("a", "2");
  CHECK(copy.holds());
  story.frozen.clear();
  story.pass(30s);
  CHECK(copy.holds());
  CHECK_FALSE(first.holds());
}

TEST_CASE("lease: one that is given up is free at once") {
  Story story;
  auto& first = story.add("a", "1");
  auto& second = story.add("b", "2");
  story.pass(3s);
  first.lease.release(story.time);
  first.lease.link(false, story.time);
  CHECK_FALSE(first.holds());
  story.pass(1s);
  CHECK(second.holds());
}

TEST_CASE("lease: a holder that cannot renew it ends by its own clock in 6 s") {
  Story story;
  auto& first = story.add("a", "1");
  story.pass(4s);
  story.broker.deaf = true;
  story.pass(4s);
  CHECK(first.holds());
  story.pass(2'100ms);
  CHECK_FALSE(first.holds());
  story.broker.deaf = false;
  story.pass(6s);
  CHECK(first.holds());
}

TEST_CASE("lease: an answer that was lost does not lose the lease") {
  Story story;
  auto& first = story.add("a", "1");
  story.pass(1'900ms);
  // The write is done, its answer is not heard.
  first.client.now = story.time += 200ms;
  first.lease.tick(story.time);
  first.client.answers.clear();
  story.pass(10s);
  CHECK(first.holds());
}

TEST_CASE("lease: a bucket that the broker has lost is made again") {
  Story story;
  auto& first = story.add("a", "1");
  auto& second = story.add("b", "2");
  story.pass(4s);
  story.broker.streams.clear();
  story.broker.keys.clear();
  story.pass(5s);
  CHECK(static_cast<int>(first.holds()) + static_cast<int>(second.holds()) == 1);
  CHECK(story.broker.made.size() == 2);
}

TEST_CASE("lease: how long writing fails is counted from the first that failed") {
  Story story;
  auto& first = story.add("a", "1");
  story.pass(4s);
  CHECK_FALSE(first.lease.failing_since());
  story.broker.full = true;
  story.pass(15s);
  REQUIRE(first.lease.failing_since());
  CHECK(story.time - *first.lease.failing_since() > 12s);
  story.broker.full = false;
  story.pass(8s);
  CHECK_FALSE(first.lease.failing_since());
  CHECK(first.holds());
  story.broker.absent = true;
  story.pass(8s);
  CHECK(first.lease.failing_since());
  CHECK(first.lease.trouble().find("no JetStream") != std::string::npos);
}

TEST_CASE("lease: who waits does not count the time in which it had no link") {
  Story story;
  auto& first = story.add("a", "1");
  auto& second = story.add("b", "2");
  story.pass(4s);
  story.bus.set_link(LinkState::connecting);
  for (auto& party : story.parties) {
    party->lease.link(false, story.time);
  }
  story.pass(30s);
  story.bus.set_link(LinkState::up);
  second.lease.link(true, story.time);
  story.pass(1s);
  first.lease.link(true, story.time);
  story.pass(4s);
  CHECK(first.holds());
  CHECK_FALSE(second.holds());
}

}  // namespace
}  // namespace steward::bus::lease_test
