#include "tests/integration/link/heard.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace steward::tests::messages_test {

using steward::ErrorCode;
using steward::bus::LinkState;
using steward::bus::Message;
using steward::bus::NatsBus;
using steward::tests::eventually;
using steward::tests::Heard;
using steward::tests::message;
using steward::tests::NatsServer;
using steward::tests::quick_options;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<NatsBus> connected(const NatsServer& server) {
  auto bus = NatsBus::open(quick_options(server));
  REQUIRE(bus);
  REQUIRE((*bus)->wait_until_up(10s));
  return *std::move(bus);
}

std::vector<std::string> values_of(const Message& heard, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : heard.headers) {
    if (key == name) {
      values.push_back(value);
    }
  }
  return values;
}

}  // namespace

TEST_CASE(
    "link: bytes, headers, duplicates and the inbox for the answer arrive as they were sent") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  const auto asker = connected(*server);
  const auto answerer = connected(*server);
  Heard questions;
  Heard answers;
  const auto inbox = asker->new_inbox();
  CHECK(inbox != asker->new_inbox());
  const auto hears = answerer->subscribe("ship1.command.>", questions.sink());
  const auto hears_answers = asker->subscribe(inbox, answers.sink());
  REQUIRE(answerer->flush(5s));
  REQUIRE(asker->flush(5s));

  Message question{
      "ship1.command.shellcommand.operatingsystem", {}, std::string("a\0b\r\n", 5), inbox};
  question.headers.add("ce-id", "1");
  question.headers.add("ce-time", "first");
  question.headers.add("ce-time", "second");
  REQUIRE(asker->publish(question));
  REQUIRE(eventually([&] { return questions.count() == 1; }));
  const auto heard = questions.messages().front();
  CHECK(heard.subject == question.subject);
  CHECK(heard.payload == question.payload);
  CHECK(heard.reply == inbox);
  CHECK(values_of(heard, "ce-id") == std::vector<std::string>{"1"});
  CHECK(values_of(heard, "ce-time") == std::vector<std::string>{"first", "second"});
  CHECK(std::distance(heard.headers.begin(), heard.headers.end()) == 3);

  REQUIRE(answerer->publish(message(heard.reply, "yes")));
  REQUIRE(eventually([&] { return answers.count() == 1; }));
  CHECK(answers.messages().front().payload == "yes");
  CHECK(answers.messages().front().headers.empty());
  CHECK(answers.messages().front().reply.empty());
}

TEST_CASE("link: a bus hears what it publishes itself") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  const auto bus = connected(*server);
  Heard heard;
  const auto hears = bus->subscribe("a.*", heard.sink());
  REQUIRE(bus->publish(message("a.b")));
  CHECK(eventually([&] { return heard.count() == 1; }));
}

TEST_CASE("link: what cannot be carried is refused and harms nothing") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  const auto bus = connected(*server);
  Heard heard;
  const auto hears = bus->subscribe("a", heard.sink());
  CHECK(bus->publish(message("a", std::string(2 * 1024 * 1024, 'x'))).error().code ==
        ErrorCode::too_large);
  CHECK(bus->publish(message("a b")).error().code == ErrorCode::bad_subject);
  for (const char* value : {"1\r\ntwo: 2", "", " ", " 1", "1 "}) {
    CAPTURE(value);
    auto smuggler = message("a");
    smuggler.headers.add("one", value);
    CHECK(bus->publish(smuggler).error().code == ErrorCode::bad_envelope);
  }
  CHECK(bus->subscribe("a.>.b", heard.sink()).error().code == ErrorCode::bad_subject);
  REQUIRE(bus->publish(message("a", std::string(512 * 1024, 'y'))));
  REQUIRE(eventually([&] { return heard.count() == 1; }));
  CHECK(heard.messages().front().payload.size() == 512 * 1024);
  CHECK(bus->status().connects == 1);
}

TEST_CASE("link: status tells the broker and its round trip from the first moment") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  const auto bus = connected(*server);
  const auto status = bus->status();
  CHECK(status.state == LinkState::up);
  CHECK(status.broker == server->url());
  REQUIRE(status.rtt);
  CHECK(*status.rtt > 0us);
  CHECK(status.connects == 1);
  CHECK(status.last_error.empty());
}

TEST_CASE("link: drain waits until the broker has taken everything") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  constexpr std::size_t kMessages = 20'000;
  const auto reader = connected(*server);
  Heard heard;
  const auto hears = reader->subscribe("a", heard.sink());
  REQUIRE(reader->flush(5s));

  std::vector<LinkState> told;
  auto options = quick_options(*server);
  options.on_link = [&told](const steward::bus::LinkStatus& status) {
    told.push_back(status.state);
  };
  auto writer = *NatsBus::open(std::move(options));
  REQUIRE(writer->wait_until_up(10s));
  for (std::size_t i = 0; i < kMessages; ++i) {
    REQUIRE(writer->publish(message("a", std::string(100, 'x'))));
  }
  REQUIRE(writer->drain(20s));
  CHECK(writer->publish(message("a")).error().code == ErrorCode::unavailable);
  CHECK(writer->status().state == LinkState::closed);
  writer.reset();
  CHECK(told == std::vector<LinkState>{LinkState::up, LinkState::closed});
  CHECK(eventually([&] { return heard.count() == kMessages; }));
}

TEST_CASE(
    "link: a sink is not called again once its subscription is gone, while messages pour in") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  const auto reader = connected(*server);
  const auto writer = connected(*server);
  std::atomic<bool> stop = false;
  std::thread load([&] {
    while (!stop) {
      static_cast<void>(writer->publish(message("pour", std::string(64, 'x'))));
    }
  });
  int late = 0;
  int silent = 0;
  for (int round = 0; round < 100; ++round) {
    // Freed at once after the subscription: a late call is also an address sanitizer's report.
    auto calls = std::make_unique<std::atomic<int>>(0);
    auto subscription = *reader->subscribe("pour", [raw = calls.get()](Message&&) { ++*raw; });
    silent += eventually([&] { return *calls > 20; }) ? 0 : 1;
    subscription.reset();
    const int seen = *calls;
    std::this_thread::yield();
    late += *calls == seen ? 0 : 1;
  }
  stop = true;
  load.join();
  CHECK(late == 0);
  CHECK(silent == 0);
}

TEST_CASE("link: a subscription may be ended by its own sink, and may outlive its bus") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  auto bus = connected(*server);
  std::unique_ptr<steward::bus::Subscription> own;
  std::atomic<int> calls = 0;
  own = *bus->subscribe("a", [&](Message&&) {
    ++calls;
    own.reset();
  });
  auto outlives = *bus->subscribe("b", [](Message&&) {});
  REQUIRE(bus->publish(message("a")));
  REQUIRE(bus->publish(message("a")));
  REQUIRE(eventually([&] { return calls == 1; }));
  REQUIRE(bus->flush(5s));
  bus.reset();
  outlives.reset();
  CHECK(calls == 1);
}

}  // namespace steward::tests::messages_test
