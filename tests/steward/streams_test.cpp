#include "steward/streams.hpp"

#include "tests/subjects/bus/fake_jetstream.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace steward::station::streams_test {
namespace {

using std::chrono_literals::operator""s;

std::vector<std::string> names(const std::vector<bus::StreamConfig>& streams) {
  std::vector<std::string> names;
  for (const auto& stream : streams) {
    names.push_back(stream.name);
  }
  return names;
}

TEST_CASE("streams: there are four, commands refuse when full, the others drop their oldest") {
  StreamSettings settings;
  settings.replicas = 3;
  settings.commands = {"custom"};
  settings.events = {"custom", "ack"};
  const auto streams = wanted_streams(settings);
  CHECK(names(streams) == std::vector<std::string>{"COMMANDS", "STATE", "LOGS", "METRICS"});
  CHECK(streams[0].subjects == std::vector<std::string>{"*.command.shellcommand.*",
                                                        "*.command.metrics.*",
                                                        "*.command.facts.*",
                                                        "*.command.syslogforwarding.*",
                                                        "*.command.daemon.*",
                                                        "*.command.osupdate.*",
                                                        "*.command.alerts.*",
                                                        "*.command.groups.*",
                                                        "*.command.rollout.*",
                                                        "*.command.custom.*"});
  CHECK(streams[1].subjects == std::vector<std::string>{"*.event.ack.*",
                                                        "*.event.facts.*",
                                                        "*.event.alert.*",
                                                        "*.event.daemon.*",
                                                        "*.event.osupdate.*",
                                                        "*.event.custom.*"});
  for (const auto& stream : streams) {
    CHECK(stream.max_age == std::chrono::hours(24 * 30));
    CHECK(stream.replicas == 3);
    CHECK(stream.max_bytes > 0);
    CHECK((stream.discard == bus::StreamConfig::Discard::newest) == (stream.name == "COMMANDS"));
  }
  // An event that is sent again, because its acknowledgement was lost, must come through.
  CHECK(streams[1].duplicate_window == std::chrono::milliseconds(100));
}

TEST_CASE("streams: together they stay below the space there is, whatever that is") {
  for (std::uint64_t space = 4'000'000; space < 1'000'000'000'000; space = space * 3 / 2) {
    StreamSettings settings;
    settings.space = space;
    std::uint64_t sum = 1024 * 1024;  // the lease's bucket
    for (const auto& stream : wanted_streams(settings)) {
      CHECK(stream.max_bytes > 0);
      sum += static_cast<std::uint64_t>(stream.max_bytes);
    }
    CHECK(sum < space);
  }
}

TEST_CASE("streams: a disk whose free space breathes does not change them, a setting wins") {
  StreamSettings settings;
  settings.space = 40'000'000'000;
  const auto before = wanted_streams(settings);
  settings.space = 40'100'000'000;
  CHECK(wanted_streams(settings) == before);
  settings.commands_bytes = 12'345'678;
  CHECK(wanted_streams(settings)[0].max_bytes == 12'345'678);
}

struct Story {
  explicit Story(const StreamSettings& settings = {})
      : keeper(client.jetstream,
               wanted_streams(settings),
               {[this](const std::string& stream) { ready.push_back(stream); },
                [this](const std::string& text) { complaints.push_back(text); },
                [this](const std::string& text) { said.push_back(text); }}) {}

  void step(std::chrono::milliseconds time = std::chrono::milliseconds(0)) {
    client.now += time;
    keeper.tick(client.now);
    client.pump();
  }

  void connect() {
    keeper.link(true, client.now);
    step();
  }

  bus::MemoryBus bus;
  bus::test::FakeJetStream broker{bus};
  bus::test::Client client{bus};
  std::vector<std::string> ready;
  std::vector<std::string> complaints;
  std::vector<std::string> said;
  StreamKeeper keeper;
};

TEST_CASE("stream keeper: it makes what is missing, once, and makes it again once it is lost") {
  Story story;
  story.connect();
  CHECK(story.broker.made.size() == 4);
  CHECK(story.ready.size() == 4);
  story.step(31s);
  CHECK(story.broker.made.size() == 4);
  CHECK(story.broker.changed.empty());
  story.broker.streams.erase("STATE");
  story.keeper.missing("STATE", story.client.now);
  story.step();
  REQUIRE(story.broker.made.size() == 5);
  CHECK(story.broker.made.back().find(R"("name":"STATE")") != std::string::npos);
}

TEST_CASE("stream keeper: a stream of other settings is brought in line") {
  Story story;
  story.connect();
  StreamSettings settings;
  settings.events = {"custom"};
  StreamKeeper later(story.client.jetstream,
                     wanted_streams(settings),
                     {[](const std::string&) {},
                      [](const std::string&) {},
                      [&story](const std::string& text) { story.said.push_back(text); }});
  later.link(true, story.client.now);
  later.tick(story.client.now);
  story.client.pump();
  REQUIRE(story.broker.changed.size() == 1);
  CHECK(story.broker.changed[0].find("*.event.custom.*") != std::string::npos);
  CHECK(story.said.back() == "the settings of the stream STATE were brought in line");
}

TEST_CASE("stream keeper: a broker without JetStream is complained of, and tried for ever") {
  Story story;
  story.broker.absent = true;
  story.connect();
  REQUIRE(story.complaints.size() == 4);
  CHECK(story.complaints[0].find("no JetStream") != std::string::npos);
  for (int i = 0; i < 10; ++i) {
    story.step(11s);
  }
  CHECK(story.ready.empty());
  story.broker.absent = false;
  story.step(11s);
  CHECK(story.ready.size() == 4);
}

TEST_CASE("stream keeper: that commands are about to be refused is said before it happens") {
  StreamSettings settings;
  settings.commands_bytes = 10'000'000;
  Story story(settings);
  story.connect();
  story.broker.bytes = 9'200'000;
  story.step(31s);
  REQUIRE(story.complaints.size() == 1);
  CHECK(story.complaints[0].find("COMMANDS is 92 % full") != std::string::npos);
}

}  // namespace
}  // namespace steward::station::streams_test
