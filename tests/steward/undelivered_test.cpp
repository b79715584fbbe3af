#include "steward/fold.hpp"
#include "steward/store.hpp"
#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace steward::station::undelivered_test {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;
using test::Folder;
using test::id;
using test::node;
using test::Script;
using wire::CommandState;

// A fold on a store, as the station has them.
struct Story {
  Story() {
    auto opened = Store::open(folder.path() / "station.db", {}, time.now().wall);
    REQUIRE(opened);
    store = std::move(opened->store);
  }

  bus::Message command(std::uint64_t number,
                       const std::string& unit = "ship1",
                       const std::string& payload = R"({"argv":["true"]})",
                       const std::string& service = "shellcommand.operatingsystem") {
    auto envelope = wire::make_envelope(id(number),
                                        *wire::Source::parse("/operator/ann"),
                                        *wire::Subject::parse(unit + ".command." + service),
                                        time.now().wall);
    envelope.expires = time.now().wall + 1h;
    return channel.seal(envelope, payload);
  }

  void hello(const std::string& unit) {
    const bus::Channel own(
        wire::Source::node(node(unit)), wire::Completeness::filled_in, bus::system_ids());
    const auto envelope =
        own.envelope(*wire::Subject::parse(unit + ".event.hello.agent"), time.now().wall);
    fold.take(own.seal(envelope, wire::encode(wire::Hello{})), time.now());
  }

  void take(bus::Message message) { fold.take(std::move(message), time.now()); }

  void ack(std::uint64_t number, CommandState state, const std::string& unit = "ship1") {
    const wire::Ack ack{id(number), "operatingsystem", state, {}, {}, {}, {}, {}, {}};
    const bus::Channel own(
        wire::Source::node(node(unit)), wire::Completeness::filled_in, bus::system_ids());
    const auto envelope =
        own.envelope(*wire::Subject::parse(unit + ".event.ack.shellcommand"), time.now().wall);
    take(own.seal(envelope, wire::encode(ack)));
  }

  void commit() {
    REQUIRE(store->commit(fold.batch(), time.now().wall));
    fold.settle();
  }

  bool keeps(std::uint64_t number) {
    const auto found = store->find_undelivered(id(number));
    REQUIRE(found);
    return found->has_value();
  }

  std::vector<CommandState> states(std::uint64_t number, const std::string& unit = "ship1") {
    std::vector<CommandState> states;
    (void)store->visit_job(id(number), [&](wire::JobUnit&& told) {
      if (told.unit == unit) {
        for (const auto& step : told.history) {
          states.push_back(step.state);
        }
      }
    });
    return states;
  }

  void tick(std::chrono::seconds later) {
    time.after(later);
    fold.judge_silence(time.now());
    fold.judge_expiries(time.now());
    commit();
  }

  Folder folder;
  Script time;
  std::unique_ptr<Store> store;
  bus::Channel channel{
      wire::Source::node(node("station")), wire::Completeness::filled_in, bus::system_ids()};
  Fold fold{node("station"),
            channel,
            {[this](const wire::MessageId& command) {
               return store->find_command(command).value_or(std::nullopt);
             },
             [](const std::string&) { return std::nullopt; },
             [](std::string_view) {}},
            {}};
};

using States = std::vector<CommandState>;

TEST_CASE("undelivered: a command without a word is kept as it came, until the unit says one") {
  Story story;
  auto message = story.command(1);
  message.headers.add("X-Odd", "a:b 12:\x01");
  story.take(message);
  story.commit();
  const auto kept = story.store->find_undelivered(id(1));
  REQUIRE((kept && *kept));
  CHECK((*kept)->subject == message.subject);
  CHECK((*kept)->headers == message.headers);
  CHECK((*kept)->payload == message.payload);
  story.ack(1, CommandState::accepted);
  story.commit();
  CHECK_FALSE(story.keeps(1));
}

TEST_CASE("undelivered: one that is answered at once is never written") {
  Story story;
  story.take(story.command(1));
  story.ack(1, CommandState::accepted);
  CHECK(story.fold.batch().undelivered.empty());
  CHECK(story.fold.batch().delivered.empty());
}

TEST_CASE("undelivered: a broadcast is kept until every unit that it concerns has said a word") {
  Story story;
  story.hello("ship1");
  story.hello("ship2");
  story.take(story.command(1, "@all"));
  story.commit();
  story.ack(1, CommandState::accepted, "ship1");
  story.commit();
  CHECK(story.keeps(1));
  story.ack(1, CommandState::refused, "ship2");
  story.commit();
  CHECK_FALSE(story.keeps(1));
}

TEST_CASE("undelivered: after a restart they are there in their order, open ones only") {
  Story story;
  for (const auto number : {4, 2, 9, 7}) {
    story.take(story.command(static_cast<std::uint64_t>(number)));
    story.commit();
  }
  story.ack(2, CommandState::done);
  story.commit();
  const auto kept = story.store->load();
  REQUIRE(kept);
  std::vector<wire::MessageId> ids;
  for (const auto& command : kept->undelivered) {
    ids.push_back(command.id);
    CHECK(command.expires == story.time.now().wall + 1h);
    CHECK(command.bytes == std::string(R"({"argv":["true"]})").size());
  }
  CHECK(ids == std::vector<wire::MessageId>{id(4), id(9), id(7)});
  SUBCASE("and what comes later stands behind them") {
    Fold fresh{node("station"),
               story.channel,
               {[](const wire::MessageId&) { return std::nullopt; },
                [](const std::string&) { return std::nullopt; },
                [](std::string_view) {}},
               {}};
    fresh.restore(*kept, story.time.now());
    fresh.take(story.command(1), story.time.now());
    CHECK(fresh.batch().undelivered.at(id(1)).order > kept->undelivered.back().order);
  }
}

TEST_CASE("undelivered: the values of secrets are gone from the disk once it is delivered") {
  Story story;
  story.take(story.command(
      1, "ship1", R"({"argv":["x"],"env":{"T":"hunter2hunter2"},"secret_env":["T"]})"));
  story.commit();
  const auto kept = story.store->find_undelivered(id(1));
  REQUIRE((kept && *kept));
  CHECK((*kept)->payload.find("hunter2hunter2") != std::string::npos);
  story.ack(1, CommandState::accepted);
  story.commit();
  story.store.reset();  // takes the log into the file
  std::ifstream file(story.folder.path() / "station.db", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  CHECK(bytes.size() > 4096);
  CHECK(bytes.find("hunter2hunter2") == std::string::npos);
}

TEST_CASE("undelivered: an expired one is told with its reason and sent no more") {
  Story story;
  story.take(story.command(1));
  story.commit();
  story.time.after(1h);
  story.tick(5s);
  CHECK(story.states(1) == States{CommandState::sent, CommandState::expired});
  CHECK_FALSE(story.keeps(1));
  std::string told;
  (void)story.store->visit_job(
      id(1), [&told](wire::JobUnit&& unit) { told = unit.code + ": " + unit.message; });
  CHECK(told == "expired: its time passed without a word from the unit");
}

std::string cancel_of(std::uint64_t number) {
  return R"({"op":"cancel","ref":")" + id(number).str() + "\"}";
}

TEST_CASE(
    "cancel: a command without a word is sent no more at once, and cancelled a little later") {
  Story story;
  story.take(story.command(1));
  story.commit();
  story.take(story.command(2, "ship1", cancel_of(1)));
  CHECK(story.fold.batch().withheld == std::vector{std::pair(id(1), std::string("ship1"))});
  story.commit();
  CHECK(story.states(1) == States{CommandState::sent});
  story.tick(5s);
  CHECK(story.states(1) == States{CommandState::sent, CommandState::cancelled});
  CHECK_FALSE(story.keeps(1));
  CHECK(story.keeps(2));  // the cancel itself goes on: the unit may have the command after all
}

TEST_CASE("cancel: what the unit says of the command is not overtaken by the station's word") {
  Story story;
  story.take(story.command(1));
  story.take(story.command(2, "ship1", cancel_of(1)));
  story.commit();
  SUBCASE("it has begun: its own end counts") {
    story.ack(1, CommandState::running);
    story.tick(10s);
    CHECK(story.states(1) == States{CommandState::sent, CommandState::running});
  }
  SUBCASE("it says its end later: that replaces the presumption") {
    story.tick(10s);
    story.ack(1, CommandState::done);
    story.commit();
    CHECK(story.states(1) ==
          States{CommandState::sent, CommandState::cancelled, CommandState::done});
  }
}

TEST_CASE("cancel: only the unit, the service and the command that it names are concerned") {
  Story story;
  story.take(story.command(1));
  story.take(story.command(3));
  story.take(story.command(2, "ship2", cancel_of(1)));
  story.take(story.command(4, "ship1", cancel_of(1), "shellcommand.other"));
  story.commit();
  story.tick(10s);
  CHECK(story.states(1) == States{CommandState::sent});
  CHECK(story.states(3) == States{CommandState::sent});
}

TEST_CASE("cancel: one of a broadcast to all concerns every unit without a word") {
  Story story;
  story.hello("ship1");
  story.hello("ship2");
  story.take(story.command(1, "@all"));
  story.ack(1, CommandState::running, "ship1");
  story.take(story.command(2, "@all", cancel_of(1)));
  story.commit();
  story.tick(10s);
  CHECK(story.states(1, "ship1") == States{CommandState::sent, CommandState::running});
  CHECK(story.states(1, "ship2") == States{CommandState::sent, CommandState::cancelled});
}

TEST_CASE("fold: a unit that connects anew, or is heard again, is told as returned") {
  Story story;
  story.hello("ship1");
  CHECK(story.fold.take_returned() == std::vector<std::string>{"ship1"});
  story.hello("ship1");
  CHECK(story.fold.take_returned().empty());
  CHECK(story.fold.take_hellos().size() == 2);
  story.tick(60s);
  CHECK_FALSE(story.fold.units().is_there("ship1"));
  story.hello("ship1");
  CHECK(story.fold.take_returned() == std::vector<std::string>{"ship1"});
  CHECK(story.fold.units().is_there("ship1"));
}

}  // namespace
}  // namespace steward::station::undelivered_test
