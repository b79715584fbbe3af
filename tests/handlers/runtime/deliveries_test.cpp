#include "handlers/runtime/deliveries.hpp"

#include "tests/handlers/runtime/test_house.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace steward::tests::deliveries_test {
namespace {

using runtime::Deliveries;

// A broker that answers what is published on "a" as the test says.
class Room {
 public:
  explicit Room(std::string answer) {
    subscription_ = *bus.subscribe("a", [this, answer](bus::Message&& message) {
      ++stored;
      static_cast<void>(bus.publish({message.reply, {}, answer, {}}));
    });
  }

  void run_until_said(std::size_t count) {
    const Watchdog watchdog;
    runtime::Timer look(loop, [&] {
      if (said.size() >= count) {
        loop.stop();
      }
    });
    look.start_every(std::chrono::milliseconds(1));
    loop.run();
  }

  Deliveries::Then note() {
    return [this](const Result<void>& result) {
      said.push_back(result ? "kept" : std::string(word(result.error().code)));
    };
  }

  bus::MemoryBus bus;
  runtime::Loop loop;
  StillClock clock;
  int stored = 0;
  std::vector<std::string> said;

 private:
  std::unique_ptr<bus::Subscription> subscription_;
};

}  // namespace

TEST_CASE("deliveries: each is told of once, when the broker has it, never from within") {
  Room room(R"({"stream":"LOGS","seq":7})");
  Deliveries deliveries(room.loop, room.bus, room.clock);
  deliveries.send({"a", {}, "1", {}}, room.note());
  deliveries.send({"a", {}, "2", {}}, room.note());
  deliveries.refuse({ErrorCode::too_large, "x"}, room.note());
  CHECK(room.said.empty());
  room.run_until_said(3);
  CHECK(room.stored == 2);
  CHECK(std::count(room.said.begin(), room.said.end(), "kept") == 2);
  CHECK(std::count(room.said.begin(), room.said.end(), "too_large") == 1);
}

TEST_CASE("deliveries: a broker that refuses, and one that does not answer") {
  Room room(R"({"error":{"code":503,"err_code":10077,"description":"full"}})");
  Deliveries deliveries(room.loop, room.bus, room.clock);
  deliveries.send({"a", {}, "1", {}}, room.note());
  room.run_until_said(1);
  CHECK(room.said == std::vector<std::string>{"no_space"});
  deliveries.send({"nobody", {}, "1", {}}, room.note());
  deliveries.link_up();
  room.run_until_said(2);
  CHECK(room.said.back() == "unavailable");
  room.clock.pass(std::chrono::seconds(10));
  deliveries.send({"nobody", {}, "1", {}}, room.note());
  room.clock.pass(std::chrono::seconds(10));
  deliveries.send({"nobody", {}, "1", {}}, room.note());
  room.run_until_said(3);
  CHECK(room.said.back() == "timed_out");
}

TEST_CASE("deliveries: their end forgets what is on its way") {
  Room room(R"({"stream":"LOGS","seq":7})");
  std::optional<Deliveries> deliveries;
  deliveries.emplace(room.loop, room.bus, room.clock);
  deliveries->send({"a", {}, "1", {}}, room.note());
  deliveries->refuse({ErrorCode::io, "x"}, room.note());
  deliveries.reset();
  room.loop.post([&room] { room.loop.stop(); });
  room.loop.run();
  CHECK(room.said.empty());
}

}  // namespace steward::tests::deliveries_test
