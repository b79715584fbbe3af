#include "tests/integration/station/away_unit.hpp"
#include "tests/integration/station/rig.hpp"
#include "tests/support/nats_server.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <optional>

namespace steward::tests::streams_test {
namespace {

namespace fs = std::filesystem;
using std::chrono_literals::operator""s;

constexpr const char* kTrue = R"({"argv":["true"]})";

// What the counts of a unit are to become.
bool becomes(Asker& asker, const std::string& unit, wire::CommandCounts counts) {
  return eventually(
      [&] {
        const auto row = asker.unit(unit);
        return row && row->commands == counts;
      },
      60s);
}

bool history_says(Asker& asker, const std::string& words) {
  for (const auto& row : asker.ask("history", R"({"limit":1000})")) {
    if (row.find(words) != std::string::npos) {
      return true;
    }
  }
  return false;
}

nlohmann::json station_row(Asker& asker) {
  const auto rows = asker.ask("station");
  return rows.empty() ? nlohmann::json::object() : nlohmann::json::parse(rows[0]);
}

// A station, an operator and a unit that is known and away.
struct Scene {
  Scene() : server(NatsServer::start_with_jetstream()) {
    if (server) {
      begin();
      asker.emplace(server->url());
      ann.emplace(server->url());
      unit.emplace(server->url(), "ship1");
      CHECK(unit->hello());
      CHECK(unit->bye());
      REQUIRE(eventually([this] {
        const auto row = asker->unit("ship1");
        return row && row->state == wire::UnitState::down;
      }));
    }
  }

  void begin() { station.emplace(server->url(), folder.path()); }

  // The broker ends, its store is changed, it starts again, and all are connected again.
  void meddle(const std::function<void(const fs::path&)>& change) {
    server->stop();
    change(server->store());
    server->restart();
    REQUIRE(eventually([this] {
      return asker->bus().status().state == bus::LinkState::up &&
             unit->bus().status().state == bus::LinkState::up && ann->up();
    }));
  }

  // Runs a command to its end, as the unit's events of those numbers.
  wire::MessageId run(std::uint64_t first_seq) {
    const auto id = ann->command("ship1", kTrue);
    CHECK(unit->ack(id, wire::CommandState::accepted, first_seq));
    CHECK(unit->ack(id, wire::CommandState::done, first_seq + 1));
    return id;
  }

  std::unique_ptr<NatsServer> server;
  TemporaryFolder folder;
  std::optional<RunningStation> station;
  std::optional<Asker> asker;
  std::optional<Operator> ann;
  std::optional<SpokenUnit> unit;
};

TEST_CASE("streams: what is published while the station is down is known after its start") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  scene.station.reset();
  const auto id = scene.run(1);
  const auto open = scene.ann->command("ship1", R"({"argv":["later"]})");
  REQUIRE(scene.unit->bus().flush(5s));
  CHECK(scene.unit->acknowledged() == 0);
  scene.begin();
  CHECK(becomes(*scene.asker, "ship1", {1, 1, 0}));
  CHECK(eventually([&scene] { return scene.unit->acknowledged() == 2; }));
  // What was said while nobody listened is no sign that the unit is alive now.
  CHECK(scene.asker->unit("ship1")->state == wire::UnitState::down);
  const auto rows = scene.asker->ask("job", R"({"job":")" + id.str() + "\"}");
  REQUIRE(rows.size() == 1);
  CHECK(wire::decode_job_detail(rows[0])->units.at(0).state == wire::CommandState::done);
  CHECK(scene.asker->ask("job", R"({"job":")" + open.str() + "\"}").size() == 1);
}

TEST_CASE("streams: without its station.db the table and the open commands come back") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  for (std::uint64_t i = 0; i < 200; ++i) {
    (void)scene.run(2 * i + 1);
  }
  const auto open = scene.ann->command("ship1", kTrue);
  const auto to_all = scene.ann->command("@all", kTrue);
  REQUIRE(becomes(*scene.asker, "ship1", {2, 200, 0}));
  REQUIRE(eventually([&scene] { return scene.unit->acknowledged() == 400; }));
  scene.station.reset();
  for (const auto& file : fs::directory_iterator(scene.folder.path())) {
    fs::remove_all(file.path());
  }
  scene.begin();
  CHECK(becomes(*scene.asker, "ship1", {2, 200, 0}));
  CHECK(scene.asker->ask("jobs", R"({"open_only":true})").size() == 2);
  // The unit goes on where it was: nothing is missing, nothing is called lost.
  CHECK(scene.unit->ack(open, wire::CommandState::done, 401));
  CHECK(scene.unit->ack(to_all, wire::CommandState::done, 402));
  CHECK(eventually([&scene] { return scene.unit->acknowledged() == 402; }));
  CHECK(becomes(*scene.asker, "ship1", {0, 202, 0}));
  CHECK_FALSE(history_says(*scene.asker, "not to be had"));
}

TEST_CASE("streams: a broker's store that is lost, older or cut short loses nothing committed") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  for (std::uint64_t i = 0; i < 50; ++i) {
    (void)scene.run(2 * i + 1);
  }
  const TemporaryFolder copies;
  REQUIRE(becomes(*scene.asker, "ship1", {0, 50, 0}));
  scene.meddle([&copies](const fs::path& store) {
    fs::copy(store, copies.path() / "store", fs::copy_options::recursive);
  });
  REQUIRE(eventually([&scene] { return scene.asker->acts(); }));
  for (std::uint64_t i = 50; i < 100; ++i) {
    (void)scene.run(2 * i + 1);
  }
  const auto open = scene.ann->command("ship1", kTrue);
  REQUIRE(becomes(*scene.asker, "ship1", {1, 100, 0}));
  REQUIRE(eventually([&scene] { return scene.unit->acknowledged() == 200; }));
  SUBCASE("emptied") {
    scene.meddle([](const fs::path& store) { fs::remove_all(store); });
  }
  SUBCASE("rolled back") {
    scene.meddle([&copies](const fs::path& store) {
      fs::remove_all(store);
      fs::copy(copies.path() / "store", store, fs::copy_options::recursive);
    });
  }
  SUBCASE("cut short") {
    scene.meddle([](const fs::path& store) {
      int cut = 0;
      for (const auto& entry : fs::recursive_directory_iterator(store)) {
        if (entry.path().extension() == ".blk" && fs::file_size(entry.path()) > 1'000) {
          fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
          ++cut;
        }
      }
      REQUIRE(cut > 0);
    });
  }
  SUBCASE("emptied while the station was down") {
    scene.station.reset();
    scene.meddle([](const fs::path& store) { fs::remove_all(store); });
    scene.begin();
  }
  REQUIRE(eventually([&scene] { return scene.asker->acts(); }, 60s));
  CHECK(history_says(*scene.asker, "was lost or rolled back"));
  CHECK(scene.asker->unit("ship1")->commands == wire::CommandCounts{1, 100, 0});
  // And it goes on: what was open ends, what is new is seen, once.
  CHECK(scene.unit->ack(open, wire::CommandState::done, 201));
  (void)scene.run(202);
  CHECK(becomes(*scene.asker, "ship1", {0, 102, 0}));
  CHECK(eventually([&scene] { return scene.unit->acknowledged() == 203; }));
}

TEST_CASE("streams: a station that was down under load catches up, with exact counts") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  constexpr std::int64_t kCommands = 2'000;
  const auto work = [&scene](std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i < to; ++i) {
      (void)scene.run(2 * i + 1);
    }
  };
  work(0, kCommands / 5);
  scene.station.reset();
  work(kCommands / 5, kCommands * 4 / 5);
  scene.begin();
  work(kCommands * 4 / 5, kCommands);
  CHECK(eventually([&scene] { return scene.unit->acknowledged() == 2 * kCommands; }, 60s));
  CHECK(becomes(*scene.asker, "ship1", {0, kCommands, 0}));
  const auto row = station_row(*scene.asker);
  CHECK(row["dropped"] == 0);
  CHECK(row["following"]["streams"]["STATE"]["seq"] == 2 * kCommands);
  CHECK(row["following"]["streams"]["STATE"]["connects"] == 1);
  CHECK(row["following"]["streams"]["COMMANDS"]["seq"] == kCommands);
}

TEST_CASE("streams: following survives a killed and a frozen broker and a deleted consumer") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  (void)scene.run(1);
  REQUIRE(becomes(*scene.asker, "ship1", {0, 1, 0}));
  SUBCASE("killed") {
    scene.server->kill9();
    scene.server->restart();
  }
  SUBCASE("frozen") {
    scene.server->freeze();
    std::this_thread::sleep_for(std::chrono::seconds(9));
    scene.server->thaw();
  }
  SUBCASE("deleted consumers") {
    std::mutex mutex;
    std::string names;
    const auto inbox = scene.asker->bus().new_inbox();
    auto heard = scene.asker->bus().subscribe(inbox, [&](bus::Message&& message) {
      const std::lock_guard lock(mutex);
      names = message.payload;
    });
    REQUIRE(heard);
    REQUIRE(scene.asker->bus().publish({"$JS.API.CONSUMER.NAMES.STATE", {}, {}, inbox}));
    REQUIRE(eventually([&] {
      const std::lock_guard lock(mutex);
      return !names.empty();
    }));
    const std::lock_guard lock(mutex);
    const auto answer = nlohmann::json::parse(names);
    REQUIRE(answer["consumers"].size() == 1);
    for (const auto& name : answer["consumers"]) {
      REQUIRE(scene.asker->bus().publish(
          {"$JS.API.CONSUMER.DELETE.STATE." + name.get<std::string>(), {}, {}, inbox}));
    }
    REQUIRE(scene.asker->bus().flush(5s));
  }
  REQUIRE(eventually([&scene] { return scene.unit->bus().status().state == bus::LinkState::up; }));
  // As an outbox does: again and again, until it is acknowledged.
  const auto id = scene.unit->new_id();
  CHECK(eventually(
      [&] {
        (void)scene.unit->ack(id, wire::CommandState::accepted, 3);
        (void)scene.unit->ack(id, wire::CommandState::done, 4);
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        return scene.unit->acknowledged() == 4;
      },
      60s));
  CHECK(becomes(*scene.asker, "ship1", {0, 2, 0}));
}

TEST_CASE("streams: nothing of the broker's talk with followers counts as garbled") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  (void)scene.run(1);
  REQUIRE(becomes(*scene.asker, "ship1", {0, 1, 0}));
  std::this_thread::sleep_for(
      std::chrono::seconds(8));  // several heartbeats, and the silence's limit
  const auto row = station_row(*scene.asker);
  CHECK(row["link_garbled"] == 0);
  CHECK(row["following"]["streams"]["STATE"]["connects"] == 1);
}

TEST_CASE("streams: without JetStream it says so, and works once the broker has it") {
  const auto server = NatsServer::start();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  const TemporaryFolder store;
  const RunningStation station(server->url(), folder.path(), RunningStation::Wait::no);
  Asker asker(server->url());
  std::this_thread::sleep_for(std::chrono::seconds(1));
  CHECK(asker.ask("station").empty());
  server->restart({"-js", "-sd", store.path()});
  REQUIRE(eventually([&asker] { return asker.acts(); }, 60s));
  CHECK(history_says(asker, "the stream COMMANDS was made"));
}

TEST_CASE("streams: a command's way to its end, and its acknowledgement, take milliseconds") {
  Scene scene;
  if (!scene.server) {
    return;
  }
  std::vector<double> latencies;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto id = scene.unit->new_id();
    const auto start = std::chrono::steady_clock::now();
    CHECK(scene.unit->ack(id, wire::CommandState::done, i + 1));
    while (scene.unit->acknowledged() < i + 1 && std::chrono::steady_clock::now() - start < 10s) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    latencies.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::sort(latencies.begin(), latencies.end());
  MESSAGE("event to acknowledgement, ms: p50 " << latencies[100] << ", p99 " << latencies[198]);
  CHECK(latencies[100] < 5'000);
}

}  // namespace
}  // namespace steward::tests::streams_test
