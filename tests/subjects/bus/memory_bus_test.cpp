#include "subjects/bus/memory_bus.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace steward::tests::memory_bus_test {

using steward::ErrorCode;
using steward::bus::LinkState;
using steward::bus::MemoryBus;
using steward::bus::Message;

namespace {

Message message(std::string subject, std::string payload = "") {
  return Message{std::move(subject), {}, std::move(payload), {}};
}

}  // namespace

TEST_CASE("memory bus: delivers to everybody who hears the subject, in order, before it returns") {
  MemoryBus bus;
  std::vector<std::string> one;
  std::vector<std::string> all;
  const auto narrow =
      bus.subscribe("ship1.command.>", [&one](Message&& m) { one.push_back(m.payload); });
  const auto wide = bus.subscribe("*.*.>", [&all](Message&& m) { all.push_back(m.payload); });
  REQUIRE(narrow);
  REQUIRE(wide);
  REQUIRE(bus.publish(message("ship1.command.hello.agent", "1")));
  REQUIRE(bus.publish(message("ship2.command.hello.agent", "2")));
  CHECK(one == std::vector<std::string>{"1"});
  CHECK(all == std::vector<std::string>{"1", "2"});
  CHECK(bus.published().size() == 2);
}

TEST_CASE("memory bus: hears nothing once the subscription is gone") {
  MemoryBus bus;
  int heard = 0;
  auto subscription = *bus.subscribe("a", [&heard](Message&&) { ++heard; });
  REQUIRE(bus.publish(message("a")));
  subscription.reset();
  REQUIRE(bus.publish(message("a")));
  CHECK(heard == 1);
}

TEST_CASE("memory bus: without a link nothing is published, and status says so") {
  MemoryBus bus;
  bus.set_link(LinkState::connecting);
  CHECK(bus.publish(message("a")).error().code == ErrorCode::unavailable);
  CHECK(bus.status().state == LinkState::connecting);
  bus.set_link(LinkState::up);
  CHECK(bus.publish(message("a")));
  CHECK(bus.status().connects == 2);
  CHECK(bus.published().size() == 1);
}

TEST_CASE("memory bus: a sink may publish, and each inbox is heard alone") {
  MemoryBus bus;
  const auto inbox = bus.new_inbox();
  CHECK(inbox != bus.new_inbox());
  std::string answer;
  const auto asker = bus.subscribe(inbox, [&answer](Message&& m) { answer = m.payload; });
  const auto answerer = bus.subscribe(
      "question", [&bus](Message&& m) { CHECK(bus.publish(message(m.reply, "yes"))); });
  auto question = message("question");
  question.reply = inbox;
  REQUIRE(bus.publish(question));
  CHECK(answer == "yes");
}

TEST_CASE("memory bus: refuses what a broker could not carry") {
  MemoryBus bus;
  CHECK(bus.publish(message("a.*")).error().code == ErrorCode::bad_subject);
  CHECK(bus.subscribe("a b", [](Message&&) {}).error().code == ErrorCode::bad_subject);
}

}  // namespace steward::tests::memory_bus_test
