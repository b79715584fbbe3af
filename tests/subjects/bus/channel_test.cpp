#include "subjects/bus/channel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace steward::tests::channel_test {

using steward::ErrorCode;
using steward::bus::Channel;
using steward::bus::Message;
using namespace std::chrono_literals;
namespace wire = steward::wire;

namespace {

const wire::Timestamp kNow{std::chrono::microseconds(1'790'000'000'000'000)};

wire::NodeName node(std::string_view text) { return *wire::NodeName::parse(text); }

wire::Subject subject(std::string_view text) { return *wire::Subject::parse(text); }

wire::MessageId id(std::uint8_t number) { return wire::MessageId::make(1, {number}); }

// Ids counted from 1, so that a test knows them.
Channel::NewId counted_ids() {
  return [next = std::make_shared<std::uint8_t>()](wire::Timestamp) { return id(++*next); };
}

Channel channel(wire::Completeness completeness = wire::Completeness::required) {
  return Channel(*wire::Source::parse("/station"), completeness, counted_ids());
}

Message command(std::string_view to = "ship1.command.shellcommand.operatingsystem") {
  const auto sender = channel();
  return sender.seal(sender.envelope(subject(to), kNow), R"({"argv":["true"]})");
}

ErrorCode refusal_of(Message message, wire::Timestamp now = kNow) {
  const auto opened = channel().open_command(node("ship1"), std::move(message), now);
  REQUIRE(!opened);
  return opened.error().error.code;
}

}  // namespace

TEST_CASE("channel: what is sealed opens to the same envelope and payload") {
  const auto opened = channel().open_command(node("ship1"), command(), kNow);
  REQUIRE(opened);
  CHECK(opened->envelope.id == id(1));
  CHECK(opened->envelope.source.str() == "/station");
  CHECK(opened->envelope.subject == subject("ship1.command.shellcommand.operatingsystem"));
  CHECK(opened->transport == opened->envelope.subject);
  CHECK(opened->payload == R"({"argv":["true"]})");
}

TEST_CASE("channel: a broadcast opens at every node, also when it is sent again to one") {
  auto message = command("@all.command.hello.agent");
  CHECK(channel().open_command(node("ship1"), Message(message), kNow));
  message.subject = "ship1.command.hello.agent";
  const auto opened = channel().open_command(node("ship1"), std::move(message), kNow);
  REQUIRE(opened);
  CHECK(opened->envelope.subject.is_broadcast());
  CHECK(!opened->transport.is_broadcast());
}

TEST_CASE("channel: a command for another node is refused, with the id to answer") {
  const auto opened = channel().open_command(node("ship2"), command(), kNow);
  REQUIRE(!opened);
  CHECK(opened.error().error.code == ErrorCode::wrong_node);
  CHECK(opened.error().id == id(1));
}

TEST_CASE("channel: a command may start at its expiry and not after") {
  const auto expiry = kNow + wire::kDefaultExpiry;
  CHECK(channel().open_command(node("ship1"), command(), expiry));
  CHECK(refusal_of(command(), expiry + 1us) == ErrorCode::expired);
}

TEST_CASE("channel: a station opens an expired command all the same") {
  CHECK(channel().open(command(), kNow + 48h));
}

TEST_CASE("channel: the cheapest check refuses first") {
  auto message = command("ship2.command.shellcommand.operatingsystem");
  message.headers.add("ce-time", "twice");
  CHECK(refusal_of(message, kNow + 48h) == ErrorCode::wrong_node);
  message.subject = "no subject at all";
  CHECK(refusal_of(message) == ErrorCode::bad_subject);
  message.payload.assign(wire::kMaxPayloadBytes + 1, 'x');
  CHECK(refusal_of(message) == ErrorCode::too_large);
}

TEST_CASE("channel: a payload of exactly the limit passes") {
  auto message = command();
  message.payload.assign(wire::kMaxPayloadBytes, 'x');
  CHECK(channel().open_command(node("ship1"), std::move(message), kNow));
}

TEST_CASE("channel: an event is no command") {
  const auto sender = channel();
  auto event = sender.seal(sender.envelope(subject("ship1.event.hello.agent"), kNow), "{}");
  CHECK(refusal_of(event) == ErrorCode::bad_subject);
  CHECK(channel().open(std::move(event), kNow));
}

TEST_CASE("channel: bad headers are refused, with the id as long as that can be read") {
  auto message = command();
  message.headers.add("ce-time", "twice");
  const auto opened = channel().open_command(node("ship1"), std::move(message), kNow);
  REQUIRE(!opened);
  CHECK(opened.error().error.code == ErrorCode::bad_envelope);
  CHECK(opened.error().id == id(1));

  Message bare{"ship1.command.shellcommand.operatingsystem", {}, "{}", {}};
  bare.headers.add("ce-id", "not an id");
  const auto unreadable = channel().open_command(node("ship1"), std::move(bare), kNow);
  REQUIRE(!unreadable);
  CHECK(!unreadable.error().id);
}

TEST_CASE("channel: a human's message without headers opens only where they may be missing") {
  const Message bare{"ship1.command.shellcommand.operatingsystem", {}, "{}", {}};
  CHECK(refusal_of(bare) == ErrorCode::bad_envelope);
  const auto opened =
      channel(wire::Completeness::filled_in).open_command(node("ship1"), Message(bare), kNow);
  REQUIRE(opened);
  CHECK(opened->envelope.id == id(1));
  CHECK(opened->envelope.expires == kNow + wire::kDefaultExpiry);
}

TEST_CASE("channel: system ids of one millisecond sort by their making, on many threads too") {
  const auto next = steward::bus::system_ids();
  std::vector<std::vector<wire::MessageId>> made(4);
  {
    std::vector<std::thread> threads;
    for (auto& mine : made) {
      threads.emplace_back([&mine, &next] {
        for (int i = 0; i < 500; ++i) {
          mine.push_back(next(kNow));
        }
      });
    }
    for (auto& thread : threads) {
      thread.join();
    }
  }
  std::vector<wire::MessageId> all;
  for (const auto& mine : made) {
    CHECK(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  CHECK(all.back() < next(kNow + 1ms));
  CHECK(all.front().unix_milliseconds() == 1'790'000'000'000);
}

}  // namespace steward::tests::channel_test
