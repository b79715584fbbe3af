#include "handlers/syslogforwarding/store.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <algorithm>
#include <system_error>
#include <type_traits>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

namespace fs = std::filesystem;

constexpr int kApplicationId = 0x53744c66;  // "StLf"

template <class Function>
auto guarded(std::string_view doing, Function function) -> Result<std::invoke_result_t<Function>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Function>>) {
      function();
      return {};
    } else {
      return function();
    }
  } catch (const SQLite::Exception& exception) {
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
    return failure(code, std::string(doing) + ": " + exception.what());
  }
}

// A dropped batch has an empty payload; `severity` is of the most severe line of a whole one.
constexpr const char* kTables = R"(
  CREATE TABLE feeds (
    row INTEGER PRIMARY KEY, source TEXT NOT NULL, epoch TEXT NOT NULL, path TEXT NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, head_bytes INTEGER NOT NULL,
    head INTEGER NOT NULL, seq INTEGER NOT NULL, place INTEGER NOT NULL, tail INTEGER NOT NULL,
    cursor TEXT NOT NULL);
  CREATE TABLE lanes (
    feed INTEGER NOT NULL, domain TEXT NOT NULL, kept INTEGER NOT NULL,
    PRIMARY KEY (feed, domain)) WITHOUT ROWID;
  CREATE TABLE spool (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, domain TEXT NOT NULL,
    source TEXT NOT NULL, epoch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    lines INTEGER NOT NULL, severity INTEGER NOT NULL, counts BLOB NOT NULL,
    payload BLOB NOT NULL);
  CREATE INDEX spool_least ON spool (severity, row) WHERE length(payload) > 0;
)";

std::int64_t as_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::uint64_t as_unsigned(const SQLite::Column& column) {
  return static_cast<std::uint64_t>(column.getInt64());
}

wire::BySeverity counts_of(const SQLite::Column& column) {
  wire::BySeverity counts{};
  if (static_cast<std::size_t>(column.getBytes()) == sizeof counts) {
    const auto* bytes = static_cast<const char*>(column.getBlob());
    std::copy_n(bytes, sizeof counts, reinterpret_cast<char*>(counts.data()));
  }
  return counts;
}

int most_severe(const wire::BySeverity& counts) {
  const auto at = std::find_if(counts.begin(), counts.end(), [](auto count) { return count != 0; });
  return static_cast<int>(at - counts.begin());
}

}  // namespace

class Store::Database {
 public:
  explicit Database(const fs::path& file)
      : db(opened(file)),
        save(db,
             "UPDATE feeds SET path = ?, device = ?, inode = ?, head_bytes = ?, head = ?, seq = ?, "
             "place = ?, tail = ?, cursor = ? WHERE row = ?"),
        save_lane(db, "INSERT OR REPLACE INTO lanes (feed, domain, kept) VALUES (?, ?, ?)"),
        put(db,
            "INSERT INTO spool (id, domain, source, epoch, first, last, lines, severity, counts, "
            "payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        next(
            db,
            "SELECT row, id, domain, source, epoch, first, last, lines, counts, payload FROM spool "
            "WHERE row > ? ORDER BY row LIMIT 1"),
        erase(db, "DELETE FROM spool WHERE row = ? RETURNING length(payload)") {}

  static SQLite::Database opened(const fs::path& file) {
    SQLite::Database db(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 2'000);
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    db.exec("PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = NORMAL");
    db.exec("PRAGMA cache_size = -512");
    db.exec("PRAGMA temp_store = MEMORY");
    if (db.execAndGet("PRAGMA user_version").getInt() == 0) {
      SQLite::Transaction transaction(db);
      db.exec(kTables);
      db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
      db.exec("PRAGMA user_version = 1");
      transaction.commit();
    }
    if (db.execAndGet("PRAGMA quick_check(1)").getString() != "ok") {
      throw SQLite::Exception("it is damaged", SQLITE_CORRUPT);
    }
    return db;
  }

  SQLite::Database db;
  SQLite::Statement save;
  SQLite::Statement save_lane;
  SQLite::Statement put;
  SQLite::Statement next;
  SQLite::Statement erase;
};

Store::Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}

Store::~Store() = default;

Result<Store::Opened> Store::open(const fs::path& file) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) {
    return tl::unexpected(system_error(error.value(), "make " + file.parent_path().string()));
  }
  Opened opened;
  std::unique_ptr<Database> database;
  try {
    database = std::make_unique<Database>(file);
  } catch (const SQLite::Exception& exception) {
    if (exception.getErrorCode() != SQLITE_CORRUPT && exception.getErrorCode() != SQLITE_NOTADB) {
      return failure(ErrorCode::io, "open " + file.string() + ": " + exception.what());
    }
    const std::string aside = file.string() + ".damaged";
    for (const auto* suffix : {"", "-wal", "-shm"}) {
      fs::rename(file.string() + suffix, aside + suffix, error);
    }
    opened.notice = file.string() + " is damaged (" + exception.what() + ") and was put aside as " +
                    aside + ": files are read from their beginning again";
    STEWARD_TRY(database, guarded("make " + file.string(), [&file] {
                  return std::make_unique<Database>(file);
                }));
  }
  opened.store.reset(new Store(std::move(database)));
  auto& self = *opened.store;
  auto counted = guarded("count the spool", [&self] {
    SQLite::Statement count(self.database_->db,
                            "SELECT count(*), coalesce(sum(length(payload)), 0) FROM spool");
    count.executeStep();
    self.spool_batches_ = as_unsigned(count.getColumn(0));
    self.spool_bytes_ = as_unsigned(count.getColumn(1));
  });
  if (!counted) {
    return tl::unexpected<Error>(std::move(counted).error());
  }
  return opened;
}

Result<std::vector<std::shared_ptr<Feed>>> Store::feeds() {
  return guarded("read what was read", [this] {
    std::vector<std::shared_ptr<Feed>> all;
    SQLite::Statement rows(database_->db,
                           "SELECT row, source, epoch, path, device, inode, head_bytes, head, seq, "
                           "place, tail, cursor FROM feeds ORDER BY row");
    SQLite::Statement lanes(database_->db, "SELECT domain, kept FROM lanes WHERE feed = ?");
    while (rows.executeStep()) {
      const auto epoch = wire::MessageId::parse(rows.getColumn(2).getString());
      if (!epoch) {
        continue;
      }
      auto feed =
          std::make_shared<Feed>(rows.getColumn(1).getString(), *epoch, Feed::Kind::rereadable);
      feed->row = rows.getColumn(0).getInt64();
      feed->path = rows.getColumn(3).getString();
      feed->identity = {as_unsigned(rows.getColumn(4)),
                        as_unsigned(rows.getColumn(5)),
                        as_unsigned(rows.getColumn(6)),
                        as_unsigned(rows.getColumn(7))};
      feed->mark = {as_unsigned(rows.getColumn(8)),
                    as_unsigned(rows.getColumn(9)),
                    as_unsigned(rows.getColumn(10)),
                    rows.getColumn(11).getString()};
      feed->saved = feed->mark;
      feed->next_seq = feed->mark.seq;
      lanes.reset();
      lanes.bind(1, feed->row);
      while (lanes.executeStep()) {
        auto& lane = feed->lanes[lanes.getColumn(0).getString()];
        lane.kept = lane.covered = as_unsigned(lanes.getColumn(1));
      }
      all.push_back(std::move(feed));
    }
    return all;
  });
}

Result<void> Store::add(Feed& feed) {
  auto added = guarded("keep a source", [this, &feed] {
    SQLite::Statement add(
        database_->db,
        "INSERT INTO feeds (source, epoch, path, device, inode, head_bytes, head, "
        "seq, place, tail, cursor) VALUES (?, ?, '', 0, 0, 0, 0, 1, 0, 0, '')");
    add.bind(1, feed.source);
    add.bind(2, feed.epoch.str());
    add.exec();
    feed.row = database_->db.getLastInsertRowid();
  });
  return added ? save({&feed}) : added;
}

Result<void> Store::save(const std::vector<const Feed*>& feeds) {
  return guarded("keep what was read", [this, &feeds] {
    SQLite::Transaction transaction(database_->db);
    auto& save = database_->save;
    for (const auto* feed : feeds) {
      save.reset();
      save.bind(1, feed->path);
      save.bind(2, as_signed(feed->identity.device));
      save.bind(3, as_signed(feed->identity.inode));
      save.bind(4, as_signed(feed->identity.head_bytes));
      save.bind(5, as_signed(feed->identity.head));
      save.bind(6, as_signed(feed->saved.seq));
      save.bind(7, as_signed(feed->saved.offset));
      save.bind(8, as_signed(feed->saved.tail));
      save.bind(9, feed->saved.cursor);
      save.bind(10, feed->row);
      save.exec();
      for (const auto& [domain, lane] : feed->lanes) {
        database_->save_lane.reset();
        database_->save_lane.bind(1, feed->row);
        database_->save_lane.bind(2, domain);
        database_->save_lane.bind(3, as_signed(lane.kept));
        database_->save_lane.exec();
      }
    }
    transaction.commit();
  });
}

Result<void> Store::remove(const Feed& feed) {
  return guarded("forget a source", [this, &feed] {
    SQLite::Transaction transaction(database_->db);
    for (const auto* text :
         {"DELETE FROM lanes WHERE feed = ?", "DELETE FROM feeds WHERE row = ?"}) {
      SQLite::Statement remove(database_->db, text);
      remove.bind(1, feed.row);
      remove.exec();
    }
    transaction.commit();
  });
}

Result<void> Store::put(Parcel& parcel) {
  return guarded("spool a batch", [this, &parcel] {
    auto& put = database_->put;
    put.reset();
    put.bind(1, parcel.id.str());
    put.bind(2, parcel.domain);
    put.bind(3, parcel.head.source);
    put.bind(4, parcel.head.epoch);
    put.bind(5, as_signed(parcel.head.first));
    put.bind(6, as_signed(parcel.head.last));
    put.bind(7, as_signed(parcel.head.lines));
    put.bind(8, most_severe(parcel.counts));
    put.bind(9, parcel.counts.data(), sizeof parcel.counts);
    put.bind(10, parcel.payload.data(), static_cast<int>(parcel.payload.size()));
    put.exec();
    parcel.spool_row = database_->db.getLastInsertRowid();
    spool_bytes_ += parcel.payload.size();
    ++spool_batches_;
  });
}

Result<std::shared_ptr<Parcel>> Store::next(std::int64_t after) {
  return guarded("read the spool", [this, after]() -> std::shared_ptr<Parcel> {
    auto& next = database_->next;
    next.reset();
    next.bind(1, after);
    if (!next.executeStep()) {
      return nullptr;
    }
    const auto id = wire::MessageId::parse(next.getColumn(1).getString());
    if (!id) {
      throw SQLite::Exception("an id that is none", SQLITE_CORRUPT);
    }
    auto parcel = std::make_shared<Parcel>(*id);
    parcel->spool_row = next.getColumn(0).getInt64();
    parcel->domain = next.getColumn(2).getString();
    parcel->head.source = next.getColumn(3).getString();
    parcel->head.epoch = next.getColumn(4).getString();
    parcel->head.first = as_unsigned(next.getColumn(5));
    parcel->head.last = as_unsigned(next.getColumn(6));
    parcel->head.lines = as_unsigned(next.getColumn(7));
    parcel->counts = counts_of(next.getColumn(8));
    const auto payload = next.getColumn(9);
    parcel->payload.assign(static_cast<const char*>(payload.getBlob()),
                           static_cast<std::size_t>(payload.getBytes()));
    next.reset();  // a row that is stood on keeps the log from being brought into the file
    return parcel;
  });
}

Result<void> Store::erase(std::int64_t row) {
  return guarded("take a batch out of the spool", [this, row] {
    auto& erase = database_->erase;
    erase.reset();
    erase.bind(1, row);
    if (erase.executeStep()) {
      spool_bytes_ -= as_unsigned(erase.getColumn(0));
      --spool_batches_;
    }
    erase.reset();
  });
}

Result<std::optional<wire::MessageId>> Store::oldest() {
  STEWARD_TRY(const auto parcel, next(0));
  return parcel ? std::optional(parcel->id) : std::nullopt;
}

Result<std::uint64_t> Store::drop_one(std::int64_t behind) {
  return guarded("drop a batch", [this, behind]() -> std::uint64_t {
    SQLite::Transaction transaction(database_->db);
    SQLite::Statement least(
        database_->db,
        "SELECT row, lines, length(payload), source, epoch, domain, first, last, counts FROM spool "
        "WHERE length(payload) > 0 AND row > ? ORDER BY severity DESC, row LIMIT 1");
    least.bind(1, behind);
    if (!least.executeStep()) {
      return 0;
    }
    const auto row = least.getColumn(0).getInt64();
    const auto lines = as_unsigned(least.getColumn(1));
    const auto bytes = as_unsigned(least.getColumn(2));
    auto first = least.getColumn(6).getInt64();
    auto counts = counts_of(least.getColumn(8));
    // What was dropped before it is said with it: so there are few such rows, however long it
    // takes.
    SQLite::Statement before(
        database_->db,
        "SELECT row, first, counts FROM spool WHERE length(payload) = 0 AND "
        "row > ? AND source = ? AND epoch = ? AND domain = ? AND last = ? - 1");
    before.bind(1, behind);
    before.bind(2, least.getColumn(3).getString());
    before.bind(3, least.getColumn(4).getString());
    before.bind(4, least.getColumn(5).getString());
    before.bind(5, first);
    std::int64_t merged = 0;
    if (before.executeStep()) {
      merged = before.getColumn(0).getInt64();
      first = before.getColumn(1).getInt64();
      const auto earlier = counts_of(before.getColumn(2));
      std::transform(counts.begin(), counts.end(), earlier.begin(), counts.begin(), std::plus<>());
    }
    before.reset();
    least.reset();
    SQLite::Statement empty(database_->db,
                            "UPDATE spool SET payload = x'', lines = 0, first = ?, counts = ? "
                            "WHERE row = ?");
    empty.bind(1, first);
    empty.bind(2, counts.data(), sizeof counts);
    empty.bind(3, row);
    empty.exec();
    if (merged != 0) {
      database_->db.exec("DELETE FROM spool WHERE row = " + std::to_string(merged));
      --spool_batches_;
    }
    transaction.commit();
    spool_bytes_ -= bytes;
    return lines;
  });
}

Result<void> Store::sync() {
  return guarded("bring the store to the disk",
                 [this] { database_->db.exec("PRAGMA wal_checkpoint(PASSIVE)"); });
}

}  // namespace steward::handlers::syslogforwarding
