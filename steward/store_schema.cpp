#include "steward/store_database.hpp"

#include <sqlite3.h>

#include <string>

namespace steward::station {
namespace sql {

Error error_of(const SQLite::Exception& exception, std::string_view doing) {
  ErrorCode code = ErrorCode::io;
  switch (exception.getErrorCode()) {
    case SQLITE_FULL:
      code = ErrorCode::no_space;
      break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      code = ErrorCode::permission;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      code = ErrorCode::busy;
      break;
    default:
      break;
  }
  return Error{code, std::string(doing) + ": " + exception.what()};
}

wire::Timestamp time_of(const SQLite::Column& column) {
  return wire::Timestamp(std::chrono::microseconds(column.getInt64()));
}

std::optional<wire::Timestamp> optional_time_of(const SQLite::Column& column) {
  return column.isNull() ? std::nullopt : std::optional(time_of(column));
}

wire::MessageId id_of(const SQLite::Column& column) {
  const auto id = wire::MessageId::parse(column.getString());
  if (!id) {
    throw SQLite::Exception("an id in it is damaged", SQLITE_CORRUPT);
  }
  return *id;
}

wire::CommandState state_of(const SQLite::Column& column) {
  const auto state = wire::parse_command_state(column.getString());
  if (!state) {
    throw SQLite::Exception("a state in it is damaged", SQLITE_CORRUPT);
  }
  return *state;
}

wire::CommandCounts counts_at(SQLite::Statement& statement, int first) {
  return {statement.getColumn(first).getInt64(),
          statement.getColumn(first + 1).getInt64(),
          statement.getColumn(first + 2).getInt64()};
}

namespace {

// The tables that a file of an earlier version does not have.
void add_tables(SQLite::Database& db) {
  db.exec(R"(
    CREATE TABLE IF NOT EXISTS positions (
      stream TEXT PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL,
      id TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS undelivered (
      command TEXT PRIMARY KEY, number INTEGER NOT NULL, expires INTEGER, subject TEXT NOT NULL,
      headers BLOB NOT NULL, payload BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS repeats (
      command TEXT PRIMARY KEY, earlier TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS facts (
      unit TEXT PRIMARY KEY, hash TEXT NOT NULL, facts TEXT NOT NULL,
      at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS alerts (
      unit TEXT NOT NULL, source TEXT NOT NULL, rule TEXT NOT NULL, series TEXT NOT NULL,
      row TEXT NOT NULL, PRIMARY KEY (unit, source, rule, series)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS daemons (
      unit TEXT NOT NULL, domain TEXT NOT NULL, name TEXT NOT NULL, row TEXT NOT NULL,
      PRIMARY KEY (unit, domain, name)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS leases (
      unit TEXT NOT NULL, domain TEXT NOT NULL, row TEXT NOT NULL,
      PRIMARY KEY (unit, domain)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS silences (name TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS groups (name TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS rollouts (
      id TEXT PRIMARY KEY, row TEXT NOT NULL, payload TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS rollout_units (
      rollout TEXT NOT NULL, number INTEGER NOT NULL, unit TEXT NOT NULL, command TEXT NOT NULL,
      headers BLOB NOT NULL, released INTEGER, how INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (rollout, number)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS metric_schemas (
      digest TEXT PRIMARY KEY, schema TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS metrics (
      unit TEXT PRIMARY KEY, schema TEXT NOT NULL, round BLOB NOT NULL,
      interval_ms INTEGER NOT NULL, heard INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS command_units_failed ON command_units (command, unit)
      WHERE is_open = 0 AND state <> 'done';
  )");
  db.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
}

}  // namespace

// Times are microseconds since 1970. `steps` is what a command has gone through on a unit, each
// step
// "<state> <time>;", so that a step costs one row written and none read.
void create_schema(SQLite::Database& db) {
  SQLite::Transaction transaction(db);
  db.exec(R"(
    CREATE TABLE units (
      unit TEXT PRIMARY KEY, row TEXT NOT NULL, first_seen INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE unit_counts (
      unit TEXT PRIMARY KEY, open INTEGER NOT NULL, done INTEGER NOT NULL,
      failed INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE jobs (
      job TEXT PRIMARY KEY, subject TEXT NOT NULL, summary TEXT NOT NULL, sender TEXT NOT NULL,
      created INTEGER NOT NULL, units INTEGER NOT NULL DEFAULT 0,
      open INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE INDEX jobs_newest ON jobs (created);
    CREATE INDEX jobs_open ON jobs (created) WHERE open > 0;
    CREATE INDEX jobs_failed ON jobs (created) WHERE failed > 0;
    CREATE TABLE commands (
      id TEXT PRIMARY KEY, job TEXT NOT NULL, subject TEXT NOT NULL, summary TEXT NOT NULL,
      sender TEXT NOT NULL, payload TEXT NOT NULL, created INTEGER NOT NULL,
      expires INTEGER) WITHOUT ROWID;
    CREATE INDEX commands_of_job ON commands (job, id);
    CREATE TABLE command_units (
      command TEXT NOT NULL, unit TEXT NOT NULL, state TEXT NOT NULL, is_open INTEGER NOT NULL,
      by_station INTEGER NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL,
      result TEXT NOT NULL, steps TEXT NOT NULL,
      PRIMARY KEY (command, unit)) WITHOUT ROWID;
    CREATE INDEX command_units_open ON command_units (command) WHERE is_open;
    CREATE TABLE history (
      number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, unit TEXT NOT NULL,
      what TEXT NOT NULL, text TEXT NOT NULL);
    CREATE INDEX history_of_unit ON history (unit, number);
    CREATE TABLE received (
      unit TEXT NOT NULL, epoch TEXT NOT NULL, upto INTEGER NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (unit, epoch)) WITHOUT ROWID;
  )");
  db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  add_tables(db);
  transaction.commit();
}

void upgrade_schema(SQLite::Database& db) {
  SQLite::Transaction transaction(db);
  add_tables(db);
  transaction.commit();
}

}  // namespace sql

namespace {

SQLite::Database opened(const std::filesystem::path& file) {
  SQLite::Database db(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 2'000);
  db.exec("PRAGMA journal_mode = WAL");
  // An event that the station acknowledges is forgotten by its unit: it must be on disk before.
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA wal_autocheckpoint = 4000");
  db.exec("PRAGMA journal_size_limit = 67108864");
  db.exec("PRAGMA cache_size = -8192");
  // Secrets of commands that were delivered do not stay in free pages.
  db.exec("PRAGMA secure_delete = ON");
  const int version = db.execAndGet("PRAGMA user_version").getInt();
  if (version == 0) {
    sql::create_schema(db);
  } else if (version < sql::kSchemaVersion) {
    sql::upgrade_schema(db);
  }
  return db;
}

}  // namespace

Store::Database::Database(const std::filesystem::path& file)
    : db(opened(file)),
      put_unit(db,
               "INSERT INTO units (unit, row, first_seen) VALUES (?, ?, ?) "
               "ON CONFLICT (unit) DO UPDATE SET row = excluded.row"),
      put_command(db,
                  "INSERT INTO commands (id, job, subject, summary, sender, payload, created, "
                  "expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                  "ON CONFLICT (id) DO UPDATE SET subject = excluded.subject, "
                  "summary = excluded.summary, sender = excluded.sender, "
                  "payload = excluded.payload, created = excluded.created, "
                  "expires = excluded.expires WHERE excluded.sender <> ''"),
      put_job(db,
              "INSERT INTO jobs (job, subject, summary, sender, created) VALUES (?, ?, ?, ?, ?) "
              "ON CONFLICT (job) DO UPDATE SET subject = excluded.subject, "
              "summary = excluded.summary, sender = excluded.sender, created = excluded.created "
              "WHERE jobs.sender = '' AND excluded.sender <> ''"),
      put_step(db,
               "INSERT INTO command_units (command, unit, state, is_open, by_station, code, "
               "message, result, steps) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
               "ON CONFLICT (command, unit) DO UPDATE SET state = excluded.state, "
               "is_open = excluded.is_open, by_station = excluded.by_station, "
               "code = excluded.code, message = excluded.message, result = excluded.result, "
               "steps = command_units.steps || excluded.steps"),
      put_unit_counts(db,
                      "INSERT INTO unit_counts (unit, open, done, failed) VALUES (?, ?, ?, ?) "
                      "ON CONFLICT (unit) DO UPDATE SET open = open + excluded.open, "
                      "done = done + excluded.done, failed = failed + excluded.failed"),
      put_job_counts(db,
                     "UPDATE jobs SET units = units + ?2, open = open + ?3, done = done + ?4, "
                     "failed = failed + ?5 WHERE job = ?1"),
      put_history(db, "INSERT INTO history (at, unit, what, text) VALUES (?, ?, ?, ?)"),
      put_received(db,
                   "INSERT INTO received (unit, epoch, upto, at) VALUES (?, ?, ?, ?) "
                   "ON CONFLICT (unit, epoch) DO UPDATE SET upto = max(upto, excluded.upto), "
                   "at = excluded.at"),
      erase_received(db, "DELETE FROM received WHERE unit = ? AND epoch = ?"),
      put_position(db,
                   "INSERT OR REPLACE INTO positions (stream, seq, at, id) "
                   "VALUES (?, ?, ?, ?)"),
      get_command(db, "SELECT id, job, subject, sender, expires FROM commands WHERE id = ?"),
      get_command_units(db, "SELECT unit, state, by_station FROM command_units WHERE command = ?"),
      get_undelivered(db,
                      "SELECT number, expires, subject, headers, payload FROM undelivered "
                      "WHERE command = ?") {}

}  // namespace steward::station
