#include "steward/fold.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::station::fold_test {
namespace {

using test::id;
using test::node;
using test::Script;

// A fold, and units that speak to it as they do on the bus.
struct Story {
  bus::Message event(const std::string& unit,
                     const std::string& subject,
                     const std::string& payload,
                     std::uint64_t seq = 0) {
    const bus::Channel own(
        wire::Source::node(node(unit)), wire::Completeness::filled_in, bus::system_ids());
    auto envelope =
        own.envelope(*wire::Subject::parse(unit + ".event." + subject), time.now().wall);
    if (seq > 0) {
      envelope.position = wire::Position{id(500), seq};
    }
    return own.seal(envelope, payload);
  }

  void ack(const std::string& unit,
           std::uint64_t command,
           wire::CommandState state,
           std::uint64_t seq) {
    const wire::Ack ack{id(command), "operatingsystem", state, {}, {}, {}, {}, {}, {}};
    fold.take(event(unit, "ack.shellcommand", wire::encode(ack), seq), time.now());
  }

  Script time;
  bus::Channel channel{
      wire::Source::node(node("station")), wire::Completeness::filled_in, bus::system_ids()};
  int complaints = 0;
  Fold fold{node("station"),
            channel,
            {[](const wire::MessageId&) { return std::optional<TrackedCommand>(); },
             [](const std::string&) { return std::optional<wire::Facts>(); },
             [this](std::string_view) { ++complaints; }},
            {.rows = 1'000}};
};

TEST_CASE("fold: a hello, a command and its acks make the table and the batch") {
  Story story;
  story.fold.take(story.event("ship1", "hello.agent", wire::encode(wire::Hello{})),
                  story.time.now());
  CHECK(story.fold.units().find("ship1")->state == wire::UnitState::up);
  auto envelope =
      wire::make_envelope(id(1),
                          *wire::Source::parse("/operator/ann"),
                          *wire::Subject::parse("ship1.command.shellcommand.operatingsystem"),
                          story.time.now().wall);
  story.fold.take(story.channel.seal(envelope, R"({"argv":["true"]})"), story.time.now());
  story.ack("ship1", 1, wire::CommandState::accepted, 1);
  story.ack("ship1", 1, wire::CommandState::done, 2);
  const auto& batch = story.fold.batch();
  CHECK(batch.commands.size() == 1);
  CHECK(batch.steps.size() == 3);
  CHECK(batch.received.at({"ship1", id(500)}) == 2);
  CHECK(story.fold.commands().counts("ship1") == wire::CommandCounts{0, 1, 0});
  CHECK(story.fold.counts().malformed == 0);
}

TEST_CASE("fold: an event that came twice is folded once and acknowledged twice") {
  Story story;
  story.ack("ship1", 1, wire::CommandState::accepted, 1);
  CHECK(story.fold.batch().steps.size() == 1);
  story.fold.settle();
  story.ack("ship1", 1, wire::CommandState::accepted, 1);
  CHECK(story.fold.batch().steps.empty());
  CHECK(story.fold.batch().received.at({"ship1", id(500)}) == 1);
  CHECK(story.fold.counts().repeated == 1);
}

TEST_CASE("fold: a recorded event whose payload is none is counted, and still acknowledged") {
  Story story;
  story.fold.take(story.event("ship1", "ack.shellcommand", "{", 1), story.time.now());
  CHECK(story.fold.counts().malformed == 1);
  CHECK(story.fold.batch().received.at({"ship1", id(500)}) == 1);
}

TEST_CASE("fold: garbage is counted and changes nothing") {
  Story story;
  const std::vector<std::string> subjects{"x.event.hello.agent",
                                          "UPPER.event.hello.agent",
                                          "ship1.event.a.b.c",
                                          "ship1.event.ack.shellcommand",
                                          "ship1.command.shellcommand.operatingsystem.x",
                                          "*.event.hello.agent"};
  for (const auto& subject : subjects) {
    for (const std::string payload : {"", "{", "[]", "\xff\xfe", "{\"interval_ms\":\"x\"}"}) {
      bus::Message message{subject, {}, payload, {}};
      if (payload == "[]") {
        message.headers.add("ce-seq", "nine");
      }
      story.fold.take(std::move(message), story.time.now());
    }
  }
  CHECK(story.fold.counts().malformed == subjects.size() * 5);
  CHECK(story.complaints == static_cast<int>(subjects.size() * 5));
  CHECK(story.fold.batch().steps.empty());
  CHECK(story.fold.commands().size() == 0);
}

TEST_CASE("fold: what a stream gives moves its position, also where it is garbage") {
  Story story;
  const bus::StreamPosition first{7, story.time.now().wall, "x"};
  story.fold.take_followed({"ship1.event.ack.shellcommand", {}, "{", {}},
                           "STATE",
                           first,
                           Fold::Life::sign,
                           story.time.now());
  CHECK(story.fold.batch().positions.at("STATE") == first);
  CHECK_FALSE(story.fold.batch().empty());
}

TEST_CASE("fold: a message that was read late has the stream's time and is no sign of life") {
  Story story;
  const auto then = story.time.now().wall;
  const wire::Ack ack{id(1), "operatingsystem", wire::CommandState::done, {}, {}, {}, {}, {}, {}};
  auto message = story.event("ship1", "ack.shellcommand", wire::encode(ack), 1);
  auto again = message;
  const auto late = story.time.after(std::chrono::hours(1));
  story.fold.take_followed(std::move(message), "STATE", {1, then, "x"}, Fold::Life::old, late);
  CHECK(story.fold.units().find("ship1")->state == wire::UnitState::never);
  CHECK(story.fold.batch().steps.at(0).at == then);
  story.fold.take_followed(std::move(again), "STATE", {2, late.wall, "x"}, Fold::Life::sign, late);
  CHECK(story.fold.units().find("ship1")->state == wire::UnitState::up);
}

TEST_CASE("fold: a recorded event of any method is kept in the history") {
  Story story;
  story.fold.take(story.event("ship1", "custom.nginx", R"({"state":"up"})", 1), story.time.now());
  const auto& batch = story.fold.batch();
  REQUIRE_FALSE(batch.history.empty());
  CHECK(batch.history.front().text == R"(custom.nginx: {"state":"up"})");
}

TEST_CASE("fold: when too much waits for the disk events are not taken, to be sent again") {
  Story story;
  std::uint64_t seq = 0;
  while (!story.fold.full()) {
    REQUIRE(seq < 2'000);
    ++seq;
    story.ack("ship1", seq, wire::CommandState::accepted, seq);
  }
  story.ack("ship1", seq + 1, wire::CommandState::accepted, seq + 1);
  CHECK(story.fold.counts().refused == 1);
  CHECK(story.fold.batch().received.at({"ship1", id(500)}) == seq);
  story.fold.settle();
  story.ack("ship1", seq + 1, wire::CommandState::accepted, seq + 1);
  CHECK(story.fold.batch().received.at({"ship1", id(500)}) == seq + 1);
}

}  // namespace
}  // namespace steward::station::fold_test
