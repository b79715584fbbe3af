#include "tools/stewardctl/follow.hpp"

#include "subjects/bus/memory_bus.hpp"
#include "tools/stewardctl/targets.hpp"

#include <doctest/doctest.h>

namespace steward::tests::follow_test {

using namespace std::chrono_literals;
using steward::bus::MemoryBus;
using steward::bus::Message;
using steward::ctl::Clock;
using steward::ctl::Exit;
using steward::ctl::exit_of;
using steward::ctl::Follower;
using steward::ctl::JobProgress;
using steward::ctl::JobView;
using steward::ctl::Session;
using steward::ctl::Settings;
using steward::ctl::UnitProgress;
using steward::wire::CommandState;
using steward::wire::MessageId;

namespace {

MessageId id(std::uint8_t number) { return MessageId::make(1000, MessageId::Randomness{number}); }

// Writes down what it is told.
struct Notes final : JobView {
  std::vector<std::string> lines;

  void started(const JobProgress&) override {}

  void acked(const UnitProgress& unit, std::chrono::milliseconds) override {
    lines.push_back(unit.unit + " " + std::string(steward::wire::word(*unit.state)));
  }

  void output(const UnitProgress& unit, const steward::wire::ShellEvent& event) override {
    lines.push_back(unit.unit + " says " + event.bytes);
  }

  void ended(const UnitProgress& unit, std::chrono::milliseconds) override {
    lines.push_back(unit.unit + " ended " + std::string(steward::wire::word(*unit.state)));
  }

  void tick(const JobProgress&) override {}

  void finished(const JobProgress&) override { lines.emplace_back("finished"); }
};

struct Fixture {
  MemoryBus* bus;
  Session session;
  JobProgress progress{id(9), "shellcommand", "operatingsystem"};
  Notes notes;

  Fixture() : Fixture(std::make_unique<MemoryBus>()) {}

  explicit Fixture(std::unique_ptr<MemoryBus> own)
      : bus(own.get()), session(std::move(own), Session::new_inbox(), settings()) {}

  static Settings settings() {
    Settings out;
    out.station = "station";
    return out;
  }

  void add(const std::string& unit, std::uint8_t number) {
    progress.add({unit, id(number), Clock::now(), {}, {}, {}, {}, {}, Clock::now()});
  }

  void ack(const std::string& unit, std::uint8_t number, CommandState state) {
    const steward::wire::Ack said{id(number), "operatingsystem", state, {}, {}, {}, {}, {}, {}};
    REQUIRE(bus->publish({unit + ".event.ack.shellcommand", {}, steward::wire::encode(said), {}}));
  }

  // A station that answers every query of that kind with these rows.
  void answer(const std::string& what, std::vector<std::string> rows) {
    auto subscription =
        bus->subscribe("station.command.query." + what, [this, rows](Message&& question) {
          REQUIRE(bus->publish({question.reply, {}, steward::wire::encode({rows, true, {}}), {}}));
        });
    REQUIRE(subscription);
    stations.push_back(*std::move(subscription));
  }

  std::vector<std::unique_ptr<steward::bus::Subscription>> stations;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "follow: ACKs and output are told in order, and the last ACK ends it") {
  add("ship1", 1);
  Follower follower(session, progress, notes, {10s, 60s});
  REQUIRE(follower.listen());
  ack("ship1", 1, CommandState::accepted);
  steward::wire::ShellEvent event{id(1)};
  event.bytes = "hello";
  REQUIRE(bus->publish({"ship1.event.shellcommand.operatingsystem",
                        {},
                        steward::wire::encode(event, steward::wire::OutputEncoding::automatic),
                        {}}));
  ack("ship1", 1, CommandState::done);
  CHECK(follower.run() == Follower::Ending::finished);
  CHECK(notes.lines == std::vector<std::string>{
                           "ship1 accepted", "ship1 says hello", "ship1 ended done", "finished"});
  CHECK(progress.exit() == Exit::ok);
}

TEST_CASE_FIXTURE(Fixture, "follow: garbage and other people's ACKs disturb nothing") {
  add("ship1", 1);
  Follower follower(session, progress, notes, {10s, 60s});
  REQUIRE(follower.listen());
  REQUIRE(bus->publish({"ship1.event.ack.shellcommand", {}, "{{{", {}}));
  ack("ship1", 77, CommandState::failed);
  ack("ship1", 1, CommandState::done);
  CHECK(follower.run() == Follower::Ending::finished);
  CHECK(notes.lines == std::vector<std::string>{"ship1 ended done", "finished"});
}

TEST_CASE_FIXTURE(Fixture, "follow: a unit without a word is given up and stays pending") {
  add("ship1", 1);
  add("ship2", 2);
  Follower follower(session, progress, notes, {1ms, 60s});
  REQUIRE(follower.listen());
  ack("ship1", 1, CommandState::done);
  CHECK(follower.run() == Follower::Ending::finished);
  CHECK(progress.exit() == Exit::no_answer);
  CHECK(progress.counts().done == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "follow: what was missed is asked from the station when the link was away") {
  add("ship1", 1);
  Follower follower(session, progress, notes, {10s, 60s});
  REQUIRE(follower.listen());
  const steward::wire::JobDetail detail{
      {id(9), "ship1.command.shellcommand.operatingsystem", "uname", "/operator/a", {}, 1, {}},
      "{}",
      {{"ship1", id(1), CommandState::done, {}, {}, "", "", R"({"exit_code":0})"}}};
  answer("job", {steward::wire::encode(detail)});
  bus->set_link(steward::bus::LinkState::connecting);
  bus->set_link(steward::bus::LinkState::up);
  CHECK(follower.run() == Follower::Ending::finished);
  CHECK(notes.lines == std::vector<std::string>{"ship1 ended done", "finished"});
}

TEST_CASE_FIXTURE(Fixture, "query: chunks are put together, other messages stay for later") {
  REQUIRE(session.listen("ship1.event.>"));
  auto station = bus->subscribe("station.command.query.units", [this](Message&& question) {
    REQUIRE(bus->publish({question.reply, {}, R"({"rows":[{"a":1}]})", {}}));
    REQUIRE(bus->publish({"ship1.event.hello.agent", {}, "{}", {}}));
    REQUIRE(bus->publish({question.reply, {}, R"({"rows":[{"a":2}],"last":true})", {}}));
  });
  REQUIRE(station);
  const auto answer = session.query("units", {}, 1s);
  REQUIRE(answer);
  CHECK(answer->rows == std::vector<std::string>{R"({"a":1})", R"({"a":2})"});
  const auto kept = session.take();
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].message.subject == "ship1.event.hello.agent");
}

TEST_CASE_FIXTURE(Fixture, "query: a silent station is told apart from an absent broker") {
  const auto silent = session.query("units", {}, 1ms);
  REQUIRE(!silent);
  CHECK(steward::ctl::is_silence(silent.error()));
  CHECK(exit_of(silent.error()) == Exit::no_answer);
  bus->set_link(steward::bus::LinkState::connecting);
  const auto absent = session.query("units", {}, 1ms);
  REQUIRE(!absent);
  CHECK(exit_of(absent.error()) == Exit::no_bus);
}

TEST_CASE_FIXTURE(Fixture, "query: the station's own refusal is its caller's error") {
  auto station = bus->subscribe("station.command.query.job", [this](Message&& question) {
    REQUIRE(bus->publish(
        {question.reply,
         {},
         R"({"rows":[],"last":true,"error":{"code":"not_found","message":"no such job"}})",
         {}}));
  });
  REQUIRE(station);
  const auto answer = session.query("job", {}, 1s);
  REQUIRE(!answer);
  CHECK(exit_of(answer.error()) == Exit::no_match);
}

}  // namespace steward::tests::follow_test
