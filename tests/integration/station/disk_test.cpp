#include "tests/integration/station/rig.hpp"
#include "tests/support/nats_server.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>

namespace steward::tests::disk_test {
namespace {

TEST_CASE("station: what the disk does not take is not acknowledged, and is once it does") {
  const auto server = NatsServer::start_with_jetstream();
  if (!server) {
    return;
  }
  const TemporaryFolder folder;
  const RunningStation station(server->url(), folder.path());
  Asker asker(server->url());
  SpokenUnit unit(server->url(), "ship1");
  const auto command = unit.new_id();
  CHECK(unit.ack(command, wire::CommandState::accepted, 1));
  REQUIRE(eventually([&unit] { return unit.acknowledged() == 1; }));

  // Another process that holds the database looks to the station like a disk that takes nothing.
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open((folder.path() / "station.db").c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(unit.ack(command, wire::CommandState::done, 2));
  std::this_thread::sleep_for(std::chrono::seconds(4));
  CHECK(unit.acknowledged() == 1);
  CHECK(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(other);

  CHECK(eventually([&unit] { return unit.acknowledged() == 2; }));
  CHECK(asker.unit("ship1")->commands == wire::CommandCounts{0, 1, 0});
  bool said = false;
  for (const auto& row : asker.ask("history")) {
    said = said || row.find("cannot write") != std::string::npos;
  }
  CHECK(said);
}

}  // namespace
}  // namespace steward::tests::disk_test
