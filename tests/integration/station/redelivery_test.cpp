#include "tests/integration/station/away_unit.hpp"
#include "tests/integration/station/rig.hpp"
#include "tests/support/nats_server.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <mutex>
#include <optional>

namespace steward::tests::redelivery_test {
namespace {

using Ids = std::vector<wire::MessageId>;
using std::chrono_literals::operator""s;

constexpr const char* kTrue = R"({"argv":["true"]})";

struct Scene {
  Scene() : server(NatsServer::start_with_jetstream()) {
    if (server) {
      station.emplace(server->url(), folder.path());
      asker.emplace(server->url());
      ann.emplace(server->url());
      unit.emplace(server->url(), "ship1");
      unit->be_known();
      REQUIRE(eventually([this] { return asker->unit("ship1").has_value(); }));
    }
  }

  // Waits until the station has seen that many commands for the unit that are open.
  bool open_on(const std::string& name, std::int64_t count) {
    return eventually([this, &name, count] { return asker->unit(name)->commands.open == count; });
  }

  wire::JobUnit job(const wire::MessageId& id, const std::string& unit_name = "ship1") {
    std::optional<wire::JobUnit> found;
    // The station reads a command a moment after its sender has published it.
    const auto look = [&] {
      for (const auto& row : asker->ask("job", R"({"job":")" + id.str() + "\"}")) {
        const auto detail = wire::decode_job_detail(row);
        REQUIRE(detail);
        for (const auto& told : detail->units) {
          if (told.unit == unit_name) {
            found = told;
          }
        }
      }
      return found.has_value();
    };
    REQUIRE(eventually(look));
    return *found;
  }

  std::unique_ptr<NatsServer> server;
  TemporaryFolder folder;
  std::optional<RunningStation> station;
  std::optional<Asker> asker;
  std::optional<Operator> ann;
  std::optional<WanderingUnit> unit;
};

TEST_CASE("redelivery: a unit that was away gets its commands on its return, in order, each once") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  // One that is thought to be there may open its ears in the middle of what is sent to it.
  scene.unit->go();
  REQUIRE(
      eventually([&scene] { return scene.asker->unit("ship1")->state == wire::UnitState::down; }));
  constexpr std::size_t kCommands = 1'000;
  Ids published;
  for (std::size_t i = 0; i < kCommands; ++i) {
    published.push_back(scene.ann->command("ship1", kTrue));
  }
  REQUIRE(scene.open_on("ship1", kCommands));
  SUBCASE("while the station goes on") {}
  SUBCASE("though the station was restarted meanwhile") {
    scene.station.reset();
    scene.station.emplace(scene.server->url(), scene.folder.path());
  }
  scene.unit->come();
  CHECK(eventually([&] { return scene.unit->got().size() == kCommands; }, 60s));
  CHECK(scene.unit->got() == published);
  REQUIRE(scene.open_on("ship1", 0));
  CHECK(scene.asker->unit("ship1")->commands == wire::CommandCounts{0, kCommands, 0});
  // What was answered is not sent again, after its first second either.
  const auto deliveries = scene.unit->deliveries();
#if !defined(__SANITIZE_THREAD__)
  CHECK(deliveries < 2 * kCommands);  // slowed down by that one, an answer may take a second
#endif
  std::this_thread::sleep_for(std::chrono::milliseconds(2'500));
  CHECK(scene.unit->deliveries() == deliveries);
}

TEST_CASE("redelivery: the bytes are the same, and a broadcast keeps the address that it had") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  WanderingUnit other(scene.server->url(), "ship2");
  other.come();
  REQUIRE(eventually([&] { return scene.asker->unit("ship2").has_value(); }));
  const auto id = scene.ann->command("@all", R"({"argv":["echo","an odd  one"]})");
  REQUIRE(scene.open_on("ship1", 1));
  REQUIRE(eventually([&] { return other.got() == Ids{id}; }));
  scene.unit->come();
  REQUIRE(eventually([&] { return scene.unit->got() == Ids{id}; }));
  const auto sent = other.messages().front();
  const auto again = scene.unit->messages().front();
  CHECK(sent.subject == "@all.command.shellcommand.operatingsystem");
  CHECK(again.subject == "ship1.command.shellcommand.operatingsystem");
  CHECK(again.payload == sent.payload);
  for (const auto& [name, value] : sent.headers) {
    CAPTURE(name);
    CHECK(again.headers.find(name) == value);
  }
  CHECK(scene.open_on("ship1", 0));
  CHECK(scene.job(id, "ship1").state == wire::CommandState::done);
  CHECK(scene.job(id, "ship2").state == wire::CommandState::done);
  CHECK(other.deliveries() == 1);
}

TEST_CASE("redelivery: no stream keeps a command a second time for being sent again") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  const auto stored = [&scene] {
    std::string answer;
    std::mutex mutex;
    auto& bus = scene.asker->bus();
    const auto inbox = bus.new_inbox();
    auto heard = bus.subscribe(inbox, [&](bus::Message&& message) {
      const std::lock_guard lock(mutex);
      answer = message.payload;
    });
    REQUIRE(heard);
    REQUIRE(bus.publish({"$JS.API.STREAM.INFO.COMMANDS", {}, "", inbox}));
    REQUIRE(eventually([&] {
      const std::lock_guard lock(mutex);
      return !answer.empty();
    }));
    const std::lock_guard lock(mutex);
    return nlohmann::json::parse(answer).at("state").at("messages").get<int>();
  };
  for (int i = 0; i < 3; ++i) {
    scene.ann->command("ship1", kTrue, std::chrono::hours(1), Operator::Numbered::no);
  }
  REQUIRE(scene.open_on("ship1", 3));
  CHECK(stored() == 3);
  scene.unit->come();
  REQUIRE(eventually([&] { return scene.unit->got().size() == 3; }));
  CHECK(scene.open_on("ship1", 0));
  CHECK(stored() == 3);
}

TEST_CASE("redelivery: a command that was lost on its way to a unit that is there comes soon") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  // Known as up, and deaf when it is published.
  const auto id = scene.ann->command("ship1", kTrue);
  REQUIRE(scene.open_on("ship1", 1));
  scene.unit->open_ears();
  CHECK(eventually([&] { return scene.unit->got() == Ids{id}; }));
  CHECK(scene.open_on("ship1", 0));
}

TEST_CASE("redelivery: a cancel reaches a command for a unit that is away") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  scene.unit->go();
  const auto first = scene.ann->command("ship1", kTrue);
  const auto second = scene.ann->command("ship1", kTrue);
  const auto cancel =
      scene.ann->command("ship1", R"({"op":"cancel","ref":")" + first.str() + "\"}");
  const auto is_cancelled = [&] { return scene.job(first).state == wire::CommandState::cancelled; };
  SUBCASE("which comes back later") { REQUIRE(eventually(is_cancelled)); }
  SUBCASE("which comes back before the station has said so") {
    REQUIRE(scene.job(cancel).state == wire::CommandState::sent);
  }
  scene.unit->come();
  REQUIRE(eventually([&] { return scene.unit->got().size() == 2; }));
  CHECK(scene.open_on("ship1", 0));
  CHECK(is_cancelled());
  CHECK(scene.job(first).message == "cancelled before the unit had it");
  std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
  CHECK(scene.unit->got() == Ids{second, cancel});
}

TEST_CASE("redelivery: a command whose time passes is told as expired, with the reason") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  const auto id = scene.ann->command("ship1", kTrue, 1s);
  const auto later = scene.ann->command("ship1", kTrue);
  REQUIRE(eventually([&] { return scene.job(id).state == wire::CommandState::expired; }));
  CHECK(scene.job(id).code == "expired");
  CHECK(scene.job(id).message == "its time passed without a word from the unit");
  scene.unit->come();
  REQUIRE(eventually([&] { return !scene.unit->got().empty(); }));
  CHECK(scene.unit->got() == Ids{later});
}

TEST_CASE("recall: a unit that has forgotten a command is asked what became of it") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  // The patience is the station's own: half a minute.
  const auto id = scene.ann->command("ship1", kTrue);
  CHECK(scene.unit->spoken().ack(id, wire::CommandState::accepted, 1));
  std::mutex mutex;
  std::string asked;
  auto heard = scene.unit->spoken().bus().subscribe("ship1.command.outbox.events",
                                                    [&mutex, &asked](bus::Message&& message) {
                                                      const std::lock_guard lock(mutex);
                                                      asked = message.payload;
                                                    });
  REQUIRE(heard);
  CHECK(eventually(
      [&] {
        CHECK(scene.unit->spoken().hello());
        std::this_thread::sleep_for(std::chrono::seconds(1));
        const std::lock_guard lock(mutex);
        return !asked.empty();
      },
      90s));
  const std::lock_guard lock(mutex);
  CHECK(asked == R"({"op":"recall","refs":[")" + id.str() + "\"]}");
}

}  // namespace
}  // namespace steward::tests::redelivery_test
