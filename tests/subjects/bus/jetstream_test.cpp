#include "subjects/bus/jetstream.hpp"

#include "tests/subjects/bus/fake_jetstream.hpp"

#include <doctest/doctest.h>

namespace steward::bus::jetstream_test {
namespace {

using std::chrono_literals::operator""s;

struct Story {
  MemoryBus bus;
  test::FakeJetStream broker{bus};
  test::Client client{bus};
};

TEST_CASE("jetstream: a stream is made as it is wanted and read as it is") {
  Story story;
  StreamConfig config;
  config.name = "COMMANDS";
  config.subjects = {"*.command.shellcommand.*"};
  config.max_bytes = 1'000'000;
  config.max_age = 3600s;
  config.discard = StreamConfig::Discard::newest;
  config.replicas = 3;
  std::optional<StreamInfo> made;
  story.client.jetstream.create(config, story.client.now, [&](auto info) { made = *info; });
  CHECK_FALSE(made);  // never from within the question
  story.client.pump();
  REQUIRE(made);
  CHECK(made->config == config);
  CHECK(story.broker.made.at(0).find(R"("max_age":3600000000000,)") != std::string::npos);
}

TEST_CASE("jetstream: what the broker refuses is an error that can be told apart") {
  Story story;
  std::vector<ErrorCode> codes;
  const auto note = [&codes](const auto& result) { codes.push_back(result.error().code); };
  auto& jetstream = story.client.jetstream;
  jetstream.info("NONE", story.client.now, note);
  jetstream.put("$KV.none.key", "x", 0, story.client.now, note);
  story.broker.streams["KV_b"];
  jetstream.put("$KV.b.key", "x", 7, story.client.now, note);
  story.broker.full = true;
  StreamConfig config;
  config.name = "ANY";
  jetstream.create(config, story.client.now, note);
  story.client.pump();
  CHECK(codes == std::vector{ErrorCode::not_found,
                             ErrorCode::unavailable,
                             ErrorCode::conflict,
                             ErrorCode::no_space});
}

TEST_CASE("jetstream: a broker without it says so at once, one that is silent in 5 s") {
  Story story;
  std::vector<Error> errors;
  const auto note = [&errors](const auto& result) { errors.push_back(result.error()); };
  story.broker.absent = true;
  story.client.jetstream.info("STATE", story.client.now, note);
  story.client.pump();
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].code == ErrorCode::unavailable);
  CHECK(errors[0].message.find("no JetStream") != std::string::npos);
  story.broker.deaf = true;
  story.client.jetstream.info("STATE", story.client.now, note);
  CHECK(story.client.jetstream.next_deadline() == story.client.now + 5s);
  story.client.now += 4s;
  story.client.pump();
  CHECK(errors.size() == 1);
  story.client.now += 1s;
  story.client.pump();
  REQUIRE(errors.size() == 2);
  CHECK(errors[1].code == ErrorCode::timed_out);
}

TEST_CASE("jetstream: without a link every question ends, and what is asked then, too") {
  Story story;
  story.broker.deaf = true;
  int ended = 0;
  story.client.jetstream.info("A", story.client.now, [&](const auto& result) {
    CHECK(result.error().code == ErrorCode::unavailable);
    ++ended;
    story.client.jetstream.info("B", story.client.now, [&ended](const auto&) { ++ended; });
  });
  story.bus.set_link(LinkState::connecting);
  story.client.jetstream.link_lost();
  CHECK(ended == 1);
  story.client.pump();
  CHECK(ended == 2);
}

TEST_CASE("jetstream: an answer that is none is an error, a late or foreign one is dropped") {
  Story story;
  story.broker.deaf = true;
  int calls = 0;
  story.client.jetstream.info("A", story.client.now, [&calls](const auto& result) {
    CHECK_FALSE(result);
    ++calls;
  });
  const auto question = story.bus.published().back();
  for (const std::string payload : {"[", "{}", ""}) {
    (void)story.bus.publish({question.reply, {}, payload, {}});
  }
  (void)story.bus.publish({question.reply + "9", {}, "{}", {}});
  story.client.pump();
  CHECK(calls == 1);
}

}  // namespace
}  // namespace steward::bus::jetstream_test
