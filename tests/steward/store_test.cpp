#include "steward/store.hpp"

#include "tests/steward/world.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace steward::station::store_test {
namespace {

using std::chrono_literals::operator""h;
using test::Folder;
using test::id;
using test::Script;
using wire::CommandState;

std::unique_ptr<Store> opened(const Folder& folder, Store::Limits limits = {}) {
  auto store = Store::open(folder.path() / "station.db", limits, Script().now().wall);
  REQUIRE_MESSAGE(store, store.error().text());
  CHECK(store->notice == "");
  return std::move(store->store);
}

void tell(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

// A batch of one command to one unit, in that state.
Batch one_command(std::uint64_t number, CommandState state, wire::Timestamp at) {
  Batch batch;
  batch.commands.push_back({id(number),
                            id(number),
                            "ship1.command.shellcommand.operatingsystem",
                            "uname -a",
                            "/operator/ann",
                            R"({"argv":["uname","-a"]})",
                            at,
                            at + 1h});
  batch.steps.push_back({id(number), "ship1", CommandState::sent, at, SaidBy::station, {}, {}, {}});
  if (state != CommandState::sent) {
    batch.steps.push_back(
        {id(number), "ship1", state, at + 1h, SaidBy::unit, "code", "why", R"({"exit_code":0})"});
  }
  const wire::CommandCounts counts{wire::is_terminal(state) ? 0 : 1,
                                   state == CommandState::done ? 1 : 0,
                                   wire::is_terminal(state) && state != CommandState::done ? 1 : 0};
  batch.job_counts[id(number)] = {1, counts};
  batch.unit_counts["ship1"] = {0, counts};
  return batch;
}

TEST_CASE("store: what was committed is there after it is opened again") {
  const Folder folder;
  const Script time;
  {
    auto store = opened(folder);
    auto batch = one_command(1, CommandState::done, time.now().wall);
    wire::UnitRow row;
    row.unit = "ship1";
    row.state = wire::UnitState::late;
    row.since = time.now().wall;
    batch.units["ship1"] = row;
    batch.received[{"ship1", id(6)}] = 6;
    batch.received[{"ship1", id(7)}] = 42;
    batch.positions["STATE"] = {41, time.now().wall, "x"};
    batch.history.push_back({0, time.now().wall, "ship1", "state", "up -> late (silence)"});
    REQUIRE(store->commit(batch, time.now().wall));
    auto second = one_command(2, CommandState::sent, time.now().wall);
    second.forgotten = {{"ship1", id(6)}};
    REQUIRE(store->commit(second, time.now().wall));
  }
  auto store = opened(folder);
  const auto kept = store->load();
  REQUIRE(kept);
  REQUIRE(kept->units.size() == 1);
  CHECK(kept->units[0].state == wire::UnitState::late);
  CHECK(kept->units[0].since == time.now().wall);
  REQUIRE(kept->open.size() == 1);
  CHECK(kept->open[0].id == id(2));
  CHECK(kept->open[0].units.at("ship1").state == CommandState::sent);
  CHECK(kept->received == std::vector<ReceivedRecord>{{"ship1", id(7), 42}});
  CHECK(kept->positions.at("STATE") == bus::StreamPosition{41, time.now().wall, "x"});
  REQUIRE(kept->counts.size() == 1);
  CHECK(kept->counts[0].second == wire::CommandCounts{1, 1, 0});

  const auto jobs = store->jobs(Store::JobFilter::all, 10);
  REQUIRE(jobs);
  REQUIRE(jobs->size() == 2);
  CHECK(jobs->at(0).summary == "uname -a");
  const auto history = store->history(0, 10, {});
  REQUIRE(history);
  REQUIRE(history->size() == 1);
  CHECK(history->at(0).text == "up -> late (silence)");

  const auto done = store->find_command(id(1));
  REQUIRE((done && *done));
  CHECK((*done)->units.at("ship1").state == CommandState::done);
  CHECK((*done)->described);
  CHECK_FALSE(*store->find_command(id(99)));
}

TEST_CASE("store: a job tells each unit's steps with their times, and its result") {
  const Folder folder;
  const Script time;
  auto store = opened(folder);
  REQUIRE(store->commit(one_command(1, CommandState::failed, time.now().wall), time.now().wall));
  const auto job = store->find_job(id(1));
  REQUIRE((job && *job));
  CHECK((*job)->payload == R"({"argv":["uname","-a"]})");
  CHECK((*job)->job.commands == wire::CommandCounts{0, 0, 1});
  std::vector<wire::JobUnit> units;
  REQUIRE(store->visit_job(id(1), [&units](wire::JobUnit&& unit) { units.push_back(unit); }));
  REQUIRE(units.size() == 1);
  CHECK(units[0].state == CommandState::failed);
  CHECK(units[0].history ==
        std::vector<wire::StateChange>{{CommandState::sent, time.now().wall},
                                       {CommandState::failed, time.now().wall + 1h}});
  CHECK(units[0].result == R"({"exit_code":0})");
  CHECK(units[0].message == "why");
  CHECK_FALSE(*store->find_job(id(99)));
}

TEST_CASE("store: jobs come newest first, by what is wanted of them") {
  const Folder folder;
  Script time;
  auto store = opened(folder);
  const std::vector<CommandState> states{
      CommandState::done, CommandState::sent, CommandState::failed, CommandState::sent};
  for (std::uint64_t number = 1; number <= 4; ++number) {
    const auto at = time.after(std::chrono::milliseconds(1)).wall;
    REQUIRE(store->commit(one_command(number, states[number - 1], at), at));
  }
  const auto numbers = [&store](Store::JobFilter filter, std::int64_t limit) {
    std::vector<wire::MessageId> ids;
    const auto rows = store->jobs(filter, limit);
    REQUIRE(rows);
    for (const auto& row : *rows) {
      ids.push_back(row.job);
    }
    return ids;
  };
  using Ids = std::vector<wire::MessageId>;
  CHECK(numbers(Store::JobFilter::all, 10) == Ids{id(4), id(3), id(2), id(1)});
  CHECK(numbers(Store::JobFilter::all, 2) == Ids{id(4), id(3)});
  CHECK(numbers(Store::JobFilter::open, 10) == Ids{id(4), id(2)});
  CHECK(numbers(Store::JobFilter::failed, 10) == Ids{id(3)});
}

TEST_CASE("store: history goes on from a number, and without one is the newest") {
  const Folder folder;
  const Script time;
  auto store = opened(folder);
  Batch batch;
  for (int i = 1; i <= 10; ++i) {
    batch.history.push_back(
        {0, time.now().wall, i % 2 == 0 ? "even" : "odd", "state", std::to_string(i)});
  }
  REQUIRE(store->commit(batch, time.now().wall));
  const auto texts =
      [&store](std::int64_t after, std::int64_t limit, const std::vector<std::string>& units) {
        std::string text;
        const auto rows = store->history(after, limit, units);
        REQUIRE(rows);
        for (const auto& row : *rows) {
          text += row.text + " ";
        }
        return text;
      };
  CHECK(texts(0, 3, {}) == "8 9 10 ");
  CHECK(texts(4, 3, {}) == "5 6 7 ");
  CHECK(texts(0, 100, {"even"}) == "2 4 6 8 10 ");
  CHECK(texts(0, 3, {"even", "odd"}) == "8 9 10 ");
  CHECK(texts(2, 3, {"even", "odd", "none"}) == "3 4 5 ");
}

TEST_CASE("store: what is beyond the limits is trimmed, but no open command") {
  const Folder folder;
  Script time;
  auto store = opened(folder, {5, 2, 24h});
  for (std::uint64_t number = 1; number <= 5; ++number) {
    const auto at = time.after(std::chrono::milliseconds(1)).wall;
    auto batch = one_command(number, number == 1 ? CommandState::sent : CommandState::done, at);
    for (int i = 0; i < 4; ++i) {
      batch.history.push_back({0, at, "ship1", "state", "x"});
    }
    REQUIRE(store->commit(batch, at));
  }
  REQUIRE(store->trim(time.now().wall));
  CHECK(store->history(0, 100, {})->size() == 5);
  const auto jobs = store->jobs(Store::JobFilter::all, 10);
  REQUIRE(jobs->size() == 3);
  CHECK(jobs->at(0).job == id(5));
  CHECK(jobs->at(1).job == id(4));
  CHECK(jobs->at(2).job == id(1));
  CHECK_FALSE(*store->find_command(id(2)));
  REQUIRE(store->trim(time.now().wall + 48h));
  CHECK(store->history(0, 100, {})->empty());
  CHECK(store->jobs(Store::JobFilter::all, 10)->size() == 1);
}

TEST_CASE("store: a file of an earlier version gets the tables that it lacks") {
  const Folder folder;
  const Script time;
  const auto file = folder.path() / "station.db";
  REQUIRE(
      opened(folder)->commit(one_command(1, CommandState::sent, time.now().wall), time.now().wall));
  tell(file, "DROP TABLE positions; PRAGMA user_version = 1");
  Batch batch;
  batch.positions["STATE"] = {5, time.now().wall, ""};
  REQUIRE(opened(folder)->commit(batch, time.now().wall));
  const auto kept = opened(folder)->load();
  REQUIRE(kept);
  CHECK(kept->positions.at("STATE").seq == 5);
  CHECK(kept->open.size() == 1);
}

TEST_CASE("store: latest rounds of metrics are kept with their schemas, for an hour") {
  const Folder folder;
  const auto now = Script().now().wall;
  REQUIRE(opened(folder));
  tell(folder.path() / "station.db",
       "DROP TABLE metrics; DROP TABLE metric_schemas; PRAGMA user_version = 6");
  int asked = 0;
  const auto schema = [&asked](const std::string& digest) {
    ++asked;
    return digest == "gone" ? std::string() : "schema " + digest;
  };
  const std::string round("\xb7\x01\0\xff", 4);
  const auto kept = [&round](const std::string& unit, const std::string& digest) {
    return MetricsTable::Kept{
        unit, digest, {}, round, std::chrono::seconds(10), std::chrono::seconds(5)};
  };
  REQUIRE(opened(folder)->keep_metrics(
      {kept("ship1", "a"), kept("ship2", "a"), kept("ship3", "gone")}, schema, now));
  CHECK(asked == 2);
  REQUIRE(
      opened(folder)->keep_metrics({kept("ship2", "b")}, schema, now + std::chrono::minutes(30)));
  auto all = opened(folder)->load_metrics(now + std::chrono::minutes(31));
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK((*all)[0].unit == "ship1");
  CHECK((*all)[0].schema == "schema a");
  CHECK((*all)[0].round == round);
  CHECK((*all)[0].interval == std::chrono::seconds(10));
  CHECK((*all)[0].age == std::chrono::minutes(31) + std::chrono::seconds(5));
  CHECK((*all)[1].schema == "schema b");
  REQUIRE(opened(folder)->keep_metrics({}, schema, now + 1h));
  all = opened(folder)->load_metrics(now + 1h);
  REQUIRE(all);
  CHECK(all->size() == 1);
  asked = 0;
  REQUIRE(opened(folder)->keep_metrics({kept("ship1", "a")}, schema, now + 1h));
  CHECK(asked == 1);  // a schema goes with its last unit
}

TEST_CASE("store: a file of before there were rollouts takes some, and gives them back") {
  const Script time;
  const Folder folder;
  const auto file = folder.path() / "station.db";
  REQUIRE(
      opened(folder)->commit(one_command(1, CommandState::sent, time.now().wall), time.now().wall));
  tell(file, "DROP TABLE rollouts; DROP TABLE rollout_units; PRAGMA user_version = 5");
  const auto store = opened(folder);
  wire::RolloutRow row{.plan = {.rollout = id(7),
                                .method = "shellcommand",
                                .domain = "operatingsystem",
                                .payload = {},
                                .units = 2,
                                .max_fail = {}},
                       .created = time.now().wall,
                       .changed = time.now().wall};
  Batch batch;
  batch.rollouts[id(7)] = RolloutRecord{row, "{}"};
  wire::Headers headers;
  headers.add("ce-id", id(8).str());
  batch.rollout_units.push_back({id(7), 1, "ship1", id(8), headers});
  batch.releases.push_back({id(7), 1, time.now().wall, 1});
  REQUIRE(store->commit(batch, time.now().wall));
  const auto kept = store->load();
  REQUIRE(kept->rollouts.size() == 1);
  CHECK(kept->rollouts[0].row == row);
  CHECK(kept->rollouts[0].payload == "{}");
  CHECK(kept->rollouts[0].units.at(0).entry.how == Release::canary);
  CHECK(kept->rollouts[0].units.at(0).entry.released == time.now().wall);
  CHECK(store->find_rollout_command(id(7), 1).value()->headers == headers);
}

TEST_CASE("store: a file of a newer version is refused and left as it is") {
  const Folder folder;
  { auto store = opened(folder); }
  const auto file = folder.path() / "station.db";
  tell(file, "PRAGMA user_version = 99");
  const auto size = std::filesystem::file_size(file);
  const auto store = Store::open(file, {}, Script().now().wall);
  REQUIRE_FALSE(store);
  CHECK(store.error().code == ErrorCode::unsupported);
  CHECK(store.error().message.find("newer version") != std::string::npos);
  CHECK(std::filesystem::file_size(file) == size);
}

TEST_CASE("store: somebody else's database is refused and left as it is") {
  const Folder folder;
  const auto file = folder.path() / "station.db";
  tell(file, "CREATE TABLE theirs (x)");
  const auto store = Store::open(file, {}, Script().now().wall);
  REQUIRE_FALSE(store);
  CHECK(store.error().code == ErrorCode::unsupported);
}

TEST_CASE("store: a damaged file is moved aside, loudly, and a new one begun") {
  const Folder folder;
  const auto file = folder.path() / "station.db";
  std::ofstream(file) << std::string(10'000, 'x');
  auto store = Store::open(file, {}, Script().now().wall);
  REQUIRE(store);
  CHECK(store->notice.find("damaged") != std::string::npos);
  std::string aside;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().filename().string().find("damaged") != std::string::npos) {
      aside = entry.path();
    }
  }
  CHECK(store->notice.find(aside) != std::string::npos);
  CHECK(std::filesystem::file_size(aside) == 10'000);
  REQUIRE(store->store->commit(one_command(1, CommandState::done, Script().now().wall),
                               Script().now().wall));
}

TEST_CASE("store: a commit that fails leaves nothing of its batch, and the next one works") {
  const Folder folder;
  const Script time;
  auto store = opened(folder);
  REQUIRE(store->commit(one_command(1, CommandState::done, time.now().wall), time.now().wall));
  // Somebody else holds the write lock for longer than the store waits.
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open((folder.path() / "station.db").c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  const auto written =
      store->commit(one_command(2, CommandState::done, time.now().wall), time.now().wall);
  REQUIRE_FALSE(written);
  CHECK(written.error().code == ErrorCode::busy);
  CHECK_FALSE(*store->find_command(id(2)));
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  CHECK(store->commit(one_command(2, CommandState::done, time.now().wall), time.now().wall));
  CHECK(*store->find_command(id(2)));
}

TEST_CASE("store: a folder that cannot be written is an error with its name") {
  const auto store = Store::open("/proc/station.db", {}, Script().now().wall);
  REQUIRE_FALSE(store);
  CHECK(store.error().message.find("/proc/station.db") != std::string::npos);
}

}  // namespace
}  // namespace steward::station::store_test
