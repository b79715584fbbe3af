#include "tests/integration/station/away_unit.hpp"
#include "tests/integration/station/program.hpp"
#include "tests/integration/station/rig.hpp"
#include "tests/support/nats_server.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <mutex>
#include <optional>

namespace steward::tests::standby_test {
namespace {

using std::chrono_literals::operator""s;

// Two `steward run` on one broker, each with a state directory of its own.
struct Scene {
  Scene() : server(NatsServer::start_with_jetstream()) {
    if (!server) {
      return;
    }
    first = launch(folders[0]);
    asker.emplace(server->url());
    REQUIRE(eventually([this] { return asker->acts(); }, 60s));
    second = launch(folders[1]);
    REQUIRE(eventually([this] { return second->output().find("is up") != std::string::npos; }));
    unit.emplace(server->url(), "ship1");
    ann.emplace(server->url());
    CHECK(unit->hello());
    REQUIRE(eventually([this] { return asker->unit("ship1").has_value(); }));
  }

  std::unique_ptr<Program> launch(const TemporaryFolder& folder) {
    return std::make_unique<Program>(
        folder.path(),
        std::vector<std::string>{
            "run", "--broker", server->url(), "--state-dir", (folder.path() / "state").string()});
  }

  // Which process answers, by its uptime and version's neighbour: the lease's holder.
  std::string holder() {
    const auto rows = asker->ask("station");
    return rows.empty()
               ? std::string()
               : nlohmann::json::parse(rows[0])["following"]["lease_holder"].get<std::string>();
  }

  // All that is known of the jobs, with the times of their steps. A command and the ACK that
  // follows it at once come from two streams: whether `sent` is seen before is not told by either.
  std::vector<std::string> jobs() {
    std::vector<std::string> all = asker->ask("jobs");
    for (const auto& row : asker->ask("jobs")) {
      const auto job = nlohmann::json::parse(row)["job"].get<std::string>();
      for (const auto& detail : asker->ask("job", R"({"job":")" + job + "\"}")) {
        auto known = nlohmann::json::parse(detail);
        for (auto& on_unit : known["units"]) {
          auto& steps = on_unit["history"];
          if (!steps.empty() && steps[0]["state"] == "sent") {
            steps.erase(0);
          }
        }
        all.push_back(known.dump());
      }
    }
    return all;
  }

  std::unique_ptr<NatsServer> server;
  std::array<TemporaryFolder, 2> folders;
  std::unique_ptr<Program> first;
  std::unique_ptr<Program> second;
  std::optional<Asker> asker;
  std::optional<SpokenUnit> unit;
  std::optional<Operator> ann;
};

TEST_CASE("standby: it takes over within 10 s of the first one's death, with the same table") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  std::atomic<int> acknowledgements{0};
  auto heard = scene.asker->bus().subscribe(
      "station.event.received.ship1", [&acknowledgements](bus::Message&&) { ++acknowledgements; });
  REQUIRE(heard);
  REQUIRE(scene.asker->bus().flush(5s));
  constexpr std::uint64_t kCommands = 100;
  for (std::uint64_t i = 0; i < kCommands; ++i) {
    const auto id = scene.ann->command("ship1", R"({"argv":["true"]})");
    CHECK(scene.unit->ack(id, wire::CommandState::accepted, 2 * i + 1));
    CHECK(scene.unit->ack(id, wire::CommandState::done, 2 * i + 2));
  }
  const auto open = scene.ann->command("ship1", R"({"argv":["later"]})");
  REQUIRE(eventually([&] {
    return scene.unit->acknowledged() == 2 * kCommands &&
           scene.asker->unit("ship1")->commands == wire::CommandCounts{1, kCommands, 0};
  }));
  const auto told = scene.jobs();
  const auto holder = scene.holder();
  CHECK(told.size() == 2 * (kCommands + 1));

  scene.first->kill9();
  const auto killed = std::chrono::steady_clock::now();
  REQUIRE(scene.first->wait() == 128 + SIGKILL);
  // While nobody holds the lease nobody answers, and nobody acknowledges.
  const auto before = acknowledgements.load();
  CHECK(scene.unit->ack(open, wire::CommandState::accepted, 2 * kCommands + 1));
  std::this_thread::sleep_for(std::chrono::seconds(2));
  CHECK(scene.asker->ask("station").empty());
  CHECK(acknowledgements.load() == before);
  REQUIRE(eventually([&scene] { return scene.asker->acts(); }, 60s));
  const auto took = std::chrono::steady_clock::now() - killed;
  MESSAGE("took over after " << std::chrono::duration<double>(took).count() << " s");
  CHECK(took < 10s);
  CHECK(scene.holder() != holder);
  // What came between is acknowledged without being sent again, and both tell the same of the rest.
  CHECK(eventually([&] { return scene.unit->acknowledged() == 2 * kCommands + 1; }));
  CHECK(scene.unit->ack(open, wire::CommandState::done, 2 * kCommands + 2));
  CHECK(eventually([&] { return scene.unit->acknowledged() == 2 * kCommands + 2; }));
  CHECK(scene.asker->unit("ship1")->commands == wire::CommandCounts{0, kCommands + 1, 0});
  const auto now = scene.jobs();
  REQUIRE(now.size() == told.size());
  std::size_t different = 0;
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (told[i] != now[i]) {
      ++different;
      INFO(told[i] << " became " << now[i]);
      CHECK((told[i].find(open.str()) != std::string::npos));
    }
  }
  CHECK(different == 2);  // the row and the detail of the one that has ended since
}

TEST_CASE("standby: the first one comes back as the standby, and takes over in its turn") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  const auto first = scene.holder();
  scene.first->kill9();
  REQUIRE(scene.first->wait() == 128 + SIGKILL);
  REQUIRE(eventually([&scene] { return scene.asker->acts(); }, 60s));
  const auto second = scene.holder();
  CHECK(second != first);
  scene.first = scene.launch(scene.folders[0]);
  std::this_thread::sleep_for(std::chrono::seconds(4));
  CHECK(scene.holder() == second);
  // One that ends in order gives the lease up: nobody waits.
  scene.second->terminate();
  CHECK(scene.second->wait() == 0);
  const auto ended = std::chrono::steady_clock::now();
  REQUIRE(eventually([&scene] { return scene.asker->acts(); }, 60s));
  MESSAGE("took over after "
          << std::chrono::duration<double>(std::chrono::steady_clock::now() - ended).count()
          << " s");
  CHECK(std::chrono::steady_clock::now() - ended < 5s);
  CHECK(scene.holder() == first);
}

TEST_CASE("standby: a station that was started again takes its own lease back at once") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  scene.second.reset();
  const auto holder = scene.holder();
  scene.first->kill9();
  REQUIRE(scene.first->wait() == 128 + SIGKILL);
  const auto killed = std::chrono::steady_clock::now();
  scene.first = scene.launch(scene.folders[0]);
  REQUIRE(eventually([&scene] { return scene.asker->acts(); }, 60s));
  CHECK(std::chrono::steady_clock::now() - killed < 7s);
  CHECK(scene.holder() == holder);
}

}  // namespace
}  // namespace steward::tests::standby_test
