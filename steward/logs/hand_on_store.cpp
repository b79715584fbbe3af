#include "steward/logs/hand_on_store.hpp"

#include "steward/store_database.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <utility>

namespace steward::station {
namespace {

constexpr int kHandOnId = 0x5374486f;  // "StHo"

constexpr const char* kHandOnTables = R"(
  CREATE TABLE position (
    one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, time INTEGER NOT NULL,
    id TEXT NOT NULL, started INTEGER NOT NULL);
  CREATE TABLE lanes (
    unit TEXT NOT NULL, domain TEXT NOT NULL, source TEXT NOT NULL, epoch TEXT NOT NULL,
    ranges TEXT NOT NULL, said INTEGER NOT NULL, notice TEXT NOT NULL, holes INTEGER NOT NULL,
    heard INTEGER NOT NULL, PRIMARY KEY (unit, domain, source, epoch)) WITHOUT ROWID;
  CREATE INDEX lanes_holes ON lanes (holes) WHERE holes = 1;
  CREATE TABLE files (
    unit TEXT NOT NULL, domain TEXT NOT NULL, generation INTEGER NOT NULL,
    length INTEGER NOT NULL, PRIMARY KEY (unit, domain)) WITHOUT ROWID;
)";

std::int64_t as_row(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::uint64_t number_of(const SQLite::Column& column) {
  return static_cast<std::uint64_t>(column.getInt64());
}

SQLite::Database opened_hand_on(const std::filesystem::path& file, wire::Timestamp started) {
  SQLite::Database db(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 2'000);
  db.exec("PRAGMA locking_mode = EXCLUSIVE");
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA cache_size = -2048");
  const int version = db.execAndGet("PRAGMA user_version").getInt();
  if (version > 1) {
    throw SQLite::Exception("it is of a newer version of steward", SQLITE_CANTOPEN);
  }
  if (version == 0) {
    SQLite::Transaction transaction(db);
    db.exec(kHandOnTables);
    SQLite::Statement first(db, "INSERT INTO position VALUES (1, 0, 0, '', ?)");
    sql::run(first, started);
    db.exec("PRAGMA application_id = " + std::to_string(kHandOnId));
    db.exec("PRAGMA user_version = 1");
    transaction.commit();
  }
  return db;
}

}  // namespace

class HandOnStore::Database {
 public:
  Database(const std::filesystem::path& file, wire::Timestamp started)
      : db(opened_hand_on(file, started)),
        put_position(db, "UPDATE position SET seq = ?, time = ?, id = ?"),
        get_lane(db,
                 "SELECT ranges, said, notice FROM lanes "
                 "WHERE unit = ? AND domain = ? AND source = ? AND epoch = ?"),
        put_lane(db, "INSERT OR REPLACE INTO lanes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        get_file(db, "SELECT generation, length FROM files WHERE unit = ? AND domain = ?"),
        put_file(db, "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)") {}

  SQLite::Database db;
  SQLite::Statement put_position;
  SQLite::Statement get_lane;
  SQLite::Statement put_lane;
  SQLite::Statement get_file;
  SQLite::Statement put_file;
};

HandOnStore::HandOnStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

HandOnStore::~HandOnStore() = default;

Result<std::unique_ptr<HandOnStore>> HandOnStore::open(const std::filesystem::path& file,
                                                       wire::Timestamp started) {
  return sql::guarded("open " + file.string(), [&] {
    return std::unique_ptr<HandOnStore>(new HandOnStore(std::make_unique<Database>(file, started)));
  });
}

Result<bus::StreamPosition> HandOnStore::position() {
  return sql::guarded("read how far logs are handed on", [this] {
    SQLite::Statement get(database_->db, "SELECT seq, time, id FROM position");
    get.executeStep();
    return bus::StreamPosition{
        number_of(get.getColumn(0)), sql::time_of(get.getColumn(1)), get.getColumn(2).getString()};
  });
}

Result<wire::Timestamp> HandOnStore::started() {
  return sql::guarded("read since when logs are handed on", [this] {
    SQLite::Statement get(database_->db, "SELECT started FROM position");
    get.executeStep();
    return sql::time_of(get.getColumn(0));
  });
}

Result<LaneCourse> HandOnStore::lane(const LogLane& lane) {
  return sql::guarded("read what of a log was handed on", [&] {
    auto& get = database_->get_lane;
    sql::ready(get, lane.unit, lane.domain, lane.source, lane.epoch);
    LaneCourse course;
    if (get.executeStep()) {
      course = LaneCourse(
          get.getColumn(0).getString(), number_of(get.getColumn(1)), get.getColumn(2).getString());
    }
    get.reset();
    return course;
  });
}

Result<std::vector<LogLane>> HandOnStore::lanes_with_holes() {
  return sql::guarded("read what of logs is missing", [this] {
    SQLite::Statement get(database_->db,
                          "SELECT unit, domain, source, epoch FROM lanes WHERE holes = 1");
    std::vector<LogLane> lanes;
    while (get.executeStep()) {
      lanes.push_back({get.getColumn(0).getString(),
                       get.getColumn(1).getString(),
                       get.getColumn(2).getString(),
                       get.getColumn(3).getString()});
    }
    return lanes;
  });
}

Result<std::optional<FilePlace>> HandOnStore::file(const FileKey& key) {
  return sql::guarded("read how long a log's file is", [&] {
    auto& get = database_->get_file;
    sql::ready(get, key.first, key.second);
    std::optional<FilePlace> place;
    if (get.executeStep()) {
      place = FilePlace{number_of(get.getColumn(0)), number_of(get.getColumn(1))};
    }
    get.reset();
    return place;
  });
}

Result<void> HandOnStore::put_file(const FileKey& key, const FilePlace& place) {
  return sql::guarded("write how long a log's file is", [&] {
    sql::run(
        database_->put_file, key.first, key.second, as_row(place.generation), as_row(place.length));
  });
}

Result<void> HandOnStore::commit(const LogGroup& group, wire::Timestamp now) {
  return sql::guarded("write how far logs are handed on", [&] {
    auto& database = *database_;
    SQLite::Transaction transaction(database.db);
    for (const auto& [lane, course] : group.lanes) {
      const auto ranges = course.ranges_text();
      sql::run(database.put_lane,
               lane.unit,
               lane.domain,
               lane.source,
               lane.epoch,
               ranges,
               as_row(course.said_upto()),
               course.notice(),
               std::int64_t{course.has_holes() ? 1 : 0},
               now);
    }
    for (const auto& [key, place] : group.files) {
      sql::run(
          database.put_file, key.first, key.second, as_row(place.generation), as_row(place.length));
    }
    if (group.upto.seq != 0) {
      sql::run(database.put_position, as_row(group.upto.seq), group.upto.time, group.upto.id);
    }
    transaction.commit();
  });
}

Result<void> HandOnStore::forget_lanes(wire::Timestamp before) {
  return sql::guarded("forget old logs", [&] {
    SQLite::Statement erase(database_->db, "DELETE FROM lanes WHERE heard < ?");
    sql::run(erase, before);
  });
}

}  // namespace steward::station
