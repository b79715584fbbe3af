// edge.db as a file: its format, its opening, what is done about damage.

#include "subjects/bus/sqlite_database.hpp"

#include <sqlite3.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace steward::bus {
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

}  // namespace sql

namespace {

enum class Health { usable, damaged };

// `messages` holds what it takes to run a command, for exactly those that are not finished; a
// number is a place in the order of arrival. An event's place is its epoch's number and its own in
// that.
void create_tables(SQLite::Database& db) {
  SQLite::Transaction transaction(db);
  db.exec(R"(
    CREATE TABLE commands (
      number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, method TEXT NOT NULL,
      domain TEXT NOT NULL, expires INTEGER NOT NULL, stage INTEGER NOT NULL,
      attempts INTEGER NOT NULL, ack TEXT NOT NULL);
    CREATE INDEX commands_over ON commands (expires) WHERE stage >= 2;
    CREATE TABLE messages (
      number INTEGER PRIMARY KEY, subject TEXT NOT NULL, headers BLOB NOT NULL,
      payload BLOB NOT NULL);
    CREATE TABLE epochs (number INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE);
    CREATE TABLE events (
      place INTEGER PRIMARY KEY, recorded INTEGER NOT NULL, subject TEXT NOT NULL,
      headers BLOB NOT NULL, payload BLOB NOT NULL);
  )");
  db.exec("PRAGMA application_id = " + std::to_string(sql::kApplicationId));
  db.exec("PRAGMA user_version = " + std::to_string(sql::kFormat));
  transaction.commit();
}

SQLite::Database opened(const std::filesystem::path& file) {
  SQLite::Database db(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 2'000);
  db.exec("PRAGMA locking_mode = EXCLUSIVE");  // no shared memory, no lock taken for each group
  db.exec("PRAGMA journal_mode = WAL");
  // What is said of a command is said because it is on disk.
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA cache_size = -512");
  db.exec("PRAGMA temp_store = MEMORY");
  if (db.execAndGet("PRAGMA user_version").getInt() == 0) {
    create_tables(db);
  }
  return db;
}

bool is_damage(const SQLite::Exception& exception) {
  return exception.getErrorCode() == SQLITE_CORRUPT || exception.getErrorCode() == SQLITE_NOTADB;
}

Result<Health> check_content(const std::filesystem::path& file) {
  SQLite::Database db(file.string(), SQLite::OPEN_READWRITE, 2'000);
  const int version = db.execAndGet("PRAGMA user_version").getInt();
  const int application = db.execAndGet("PRAGMA application_id").getInt();
  const int tables = db.execAndGet("SELECT count(*) FROM sqlite_master").getInt();
  if (tables > 0 && application != sql::kApplicationId) {
    return failure(
        ErrorCode::unsupported,
        file.string() + " is a database, but not a unit's; name another state directory");
  }
  if (version > sql::kFormat) {
    return failure(ErrorCode::unsupported,
                   file.string() + " was written by a newer version of steward (its format is " +
                       std::to_string(version) + ", this version knows " +
                       std::to_string(sql::kFormat) +
                       "); run that version, or name another state directory");
  }
  return db.execAndGet("PRAGMA quick_check(1)").getString() == "ok" ? Health::usable
                                                                    : Health::damaged;
}

// What stands in a file that exists.
Result<Health> check(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error || size == 0) {
    return Health::usable;
  }
  try {
    return check_content(file);
  } catch (const SQLite::Exception& exception) {
    if (is_damage(exception)) {
      return Health::damaged;
    }
    return tl::unexpected<Error>(sql::error_of(exception, "open " + file.string()));
  }
}

// Payloads and results are nobody else's business; SQLite gives the files beside it the same mode.
Result<void> make_private(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return tl::unexpected<Error>(system_error(errno, "open " + file.string()));
  }
  ::close(fd);
  return {};
}

Result<std::string> move_aside(const std::filesystem::path& file, wire::Timestamp now) {
  const std::string name = file.string() + ".damaged-" + wire::format_time(now);
  for (const std::string suffix : {"", "-wal"}) {
    std::error_code error;
    std::filesystem::rename(file.string() + suffix, name + suffix, error);
    if (error && suffix.empty()) {
      return tl::unexpected<Error>(
          system_error(error.value(), "move the damaged " + file.string() + " aside"));
    }
  }
  return file.string() + " is damaged: it was moved to " + name +
         " and a new one begun; commands that were open, and results that the station has not "
         "acknowledged, are in the old file only";
}

}  // namespace

SqliteStorage::Database::Database(const std::filesystem::path& file)
    : db(opened(file)),
      begin(db, "BEGIN IMMEDIATE"),
      commit(db, "COMMIT"),
      find(db,
           "SELECT id, method, domain, expires, stage, attempts, ack FROM commands WHERE id = ?"),
      add(db,
          "INSERT INTO commands (id, method, domain, expires, stage, attempts, ack) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)"),
      add_message(db,
                  "INSERT INTO messages (number, subject, headers, payload) VALUES (?, ?, ?, ?)"),
      change(db,
             "UPDATE commands SET method = ?2, domain = ?3, expires = ?4, stage = ?5, "
             "attempts = ?6, ack = ?7 WHERE id = ?1"),
      drop_message(
          db, "DELETE FROM messages WHERE number = (SELECT number FROM commands WHERE id = ?)"),
      message_of(db,
                 "SELECT subject, headers, payload FROM messages WHERE number = "
                 "(SELECT number FROM commands WHERE id = ?)"),
      prune(db,
            "DELETE FROM commands WHERE number IN (SELECT number FROM commands WHERE stage >= 2 "
            "AND expires < ? ORDER BY expires LIMIT ?)"),
      find_epoch(db, "SELECT number FROM epochs WHERE epoch = ?"),
      add_epoch(db, "INSERT INTO epochs (epoch) VALUES (?)"),
      add_event(db,
                "INSERT INTO events (place, recorded, subject, headers, payload) "
                "VALUES (?, ?, ?, ?, ?)"),
      event(db, "SELECT subject, headers, payload FROM events WHERE place = ?"),
      erase_events(db, "DELETE FROM events WHERE place BETWEEN ? AND ?"),
      page_count(db, "PRAGMA page_count"),
      free_pages(db, "PRAGMA freelist_count"),
      page_bytes(db.execAndGet("PRAGMA page_size").getInt64()) {
  // Epochs without events are over, but for the last, or its number would be used again.
  db.exec(
      "DELETE FROM epochs WHERE number < (SELECT max(number) FROM epochs) AND NOT EXISTS "
      "(SELECT 1 FROM events WHERE place BETWEEN number << 40 AND (number << 40) | 0xffffffffff)");
}

std::optional<std::int64_t> SqliteStorage::Database::find_epoch_number(
    const wire::MessageId& epoch) {
  if (known_epoch_ && known_epoch_->first == epoch) {
    return known_epoch_->second;
  }
  find_epoch.tryReset();
  find_epoch.bind(1, epoch.str());
  if (!find_epoch.executeStep()) {
    return std::nullopt;
  }
  const std::int64_t number = find_epoch.getColumn(0).getInt64();
  find_epoch.tryReset();
  known_epoch_.emplace(epoch, number);
  return number;
}

std::int64_t SqliteStorage::Database::epoch_number(const wire::MessageId& epoch) {
  if (const auto known = find_epoch_number(epoch)) {
    return *known;
  }
  add_epoch.tryReset();
  add_epoch.bind(1, epoch.str());
  add_epoch.exec();
  known_epoch_.emplace(epoch, db.getLastInsertRowid());
  return known_epoch_->second;
}

Result<SqliteStorage::Opened> SqliteStorage::open(const std::filesystem::path& file,
                                                  wire::Timestamp now) {
  Opened opened;
  STEWARD_TRY(const Health health, check(file));
  if (health == Health::damaged) {
    STEWARD_TRY(opened.notice, move_aside(file, now));
  }
  if (auto made = make_private(file); !made) {
    return tl::unexpected<Error>(std::move(made).error());
  }
  STEWARD_TRY(auto database, sql::guarded("open " + file.string(), [&file] {
                return std::make_unique<Database>(file);
              }));
  opened.storage.reset(new SqliteStorage(std::move(database)));
  return opened;
}

}  // namespace steward::bus
