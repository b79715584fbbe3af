#include "edge/agent.hpp"

#include "handlers/runtime/processes.hpp"
#include "handlers/runtime/system_clock.hpp"
#include "subjects/bus/memory_bus.hpp"
#include "subjects/bus/memory_storage.hpp"
#include "subjects/wire/ack.hpp"
#include "tests/support/watchdog.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace steward::tests::agent_test {
namespace {

// An agent on a bus inside this process. Its loop runs in step().
struct Unit {
  explicit Unit(std::string_view toml = "")
      : agent({.node = *wire::NodeName::parse("ship1"),
               .brokers = {},
               .state_dir = "/proc/none",
               .options = *runtime::Options::parse(toml, "edge.toml")},
              {bus, storage, loop, clock, processes, log}) {
    subscription = *bus.subscribe("ship1.event.>", [this](bus::Message&& message) {
      const std::lock_guard lock(mutex);
      said.push_back(std::move(message));
    });
  }

  ~Unit() {
    if (started) {
      agent.stop([this](edge::End) { loop.stop(); });
      loop.run();
    }
  }

  void start() {
    REQUIRE(agent.start());
    started = true;
  }

  void send(const std::string& subject, const std::string& payload) {
    REQUIRE(bus.publish({subject, {}, payload, ""}));
  }

  // Runs the main loop until that many events of that subject were said.
  std::vector<bus::Message> await(const std::string& subject, std::size_t count) {
    std::vector<bus::Message> found;
    std::function<void()> look = [this, &found, &subject, count, &look] {
      found = of(subject);
      if (found.size() >= count) {
        loop.stop();
      } else {
        loop.post(look);
      }
    };
    loop.post(look);
    loop.run();
    return found;
  }

  std::vector<bus::Message> of(const std::string& subject) {
    const std::lock_guard lock(mutex);
    std::vector<bus::Message> found;
    std::copy_if(said.begin(), said.end(), std::back_inserter(found), [&](const auto& message) {
      return message.subject == subject;
    });
    return found;
  }

  const Watchdog watchdog;
  std::mutex mutex;
  std::vector<bus::Message> said;
  runtime::SystemClock clock;
  bus::MemoryBus bus;
  bus::MemoryStorage storage;
  runtime::Loop loop;
  runtime::Processes processes{loop};
  runtime::LogSink log{runtime::LogLevel::error, runtime::LogSink::Form::terminal};
  edge::Agent agent;
  std::unique_ptr<bus::Subscription> subscription;
  bool started = false;
};

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("agent: every handler serves its default domain and those with a table") {
  const Unit unit("[shellcommand.web]\n[shellcommand.operatingsystem]\n");
  const auto served = unit.agent.served();
  CHECK(served.size() == 9);
  CHECK(has(served, "facts.system"));
  CHECK(has(served, "hello.agent"));
  CHECK(has(served, "metrics.system"));
  CHECK(has(served, "syslogforwarding.system"));
  CHECK(has(served, "tail.system"));
  CHECK(has(served, "shellcommand.operatingsystem"));
  CHECK(has(served, "shellcommand.web"));
  CHECK(unit.agent.problems().empty());
}

TEST_CASE("agent: what is wrong in a handler's section is found before anything runs") {
  const Unit unit("[hello]\ninterval_ms = 5\n[helo]\n[shellcommand.'a b']\n");
  const auto problems = unit.agent.problems();
  REQUIRE(problems.size() == 3);
  CHECK(problems[0] == "edge.toml:2:15: hello.interval_ms: must be an integer from 100 to 3600000");
  CHECK(problems[1] == "edge.toml:3:2: helo: unknown key; did you mean 'hello'?");
  CHECK(problems[2].find("shellcommand.a b: is no domain") != std::string::npos);
}

TEST_CASE("agent: a pair that no handler serves is refused by name") {
  Unit unit;
  unit.start();
  unit.send("ship1.command.teleport.bridge", "{}");
  const auto said = unit.await("ship1.event.ack.teleport", 1);
  const auto ack = wire::decode_ack(said.front().payload);
  REQUIRE(ack);
  CHECK(ack->state == wire::CommandState::refused);
  CHECK(ack->code == "no_handler");
  CHECK(ack->message == "no handler here for teleport.bridge");
  CHECK(ack->domain == "bridge");
}

TEST_CASE(
    "agent: events leave the outbox when the station has them, and are sent again on demand") {
  Unit unit;
  unit.start();
  unit.await("ship1.event.facts.system", 1);  // what it is, told at the start
  unit.send("ship1.command.teleport.bridge", "{}");
  const auto first = unit.await("ship1.event.ack.teleport", 1);
  CHECK(unit.agent.hello().outbox_depth == 2);

  unit.send("ship1.command.outbox.events", R"({"op":"resend","from":1})");
  const auto again = unit.await("ship1.event.ack.teleport", 2);
  CHECK(again[1].headers == first[0].headers);
  CHECK(again[1].payload == first[0].payload);

  const std::string epoch(*first[0].headers.find("ce-epoch"));
  unit.send("station.event.received.ship1", R"({"epoch":")" + epoch + R"(","upto":2})");
  unit.send("ship1.command.hello.agent", "{}");
  unit.await("ship1.event.hello.agent", 1);
  CHECK(unit.agent.hello().outbox_depth == 0);
}

TEST_CASE("agent: at a connect it says hello, and what it still owes") {
  Unit unit;
  unit.start();
  unit.bus.set_link(bus::LinkState::connecting);
  unit.bus.set_link(bus::LinkState::up);
  unit.agent.link_up();
  const auto said = unit.await("ship1.event.hello.agent", 1);
  CHECK(wire::decode_hello(said.front().payload)->first);
}

TEST_CASE("agent: a clean stop says goodbye last") {
  Unit unit;
  unit.start();
  unit.await("ship1.event.hello.agent", 1);  // the link is up: said at the start
  unit.await("ship1.event.facts.system", 1);
  unit.agent.stop([&unit](edge::End end) {
    CHECK(end == edge::End::clean);
    unit.loop.stop();
  });
  unit.loop.run();
  unit.started = false;
  const auto said = unit.of("ship1.event.hello.agent");
  CHECK(wire::decode_hello(said.back().payload)->bye);
  CHECK(unit.said.back().subject == "ship1.event.hello.agent");
}

}  // namespace steward::tests::agent_test
