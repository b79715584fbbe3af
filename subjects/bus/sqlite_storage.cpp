#include "subjects/bus/sqlite_storage.hpp"

#include "subjects/bus/sqlite_database.hpp"

#include <sqlite3.h>

#include <string>
#include <utility>

namespace steward::bus {
namespace {

constexpr std::string_view kWriting = "write edge.db";
constexpr std::string_view kReading = "read edge.db";

// Room for a million million events of each epoch.
constexpr int kSeqBits = 40;

std::int64_t place_of(std::int64_t epoch, std::uint64_t seq) {
  return (epoch << kSeqBits) | static_cast<std::int64_t>(seq);
}

std::int64_t number_of(wire::Timestamp time) { return time.time_since_epoch().count(); }

wire::Timestamp time_of(const SQLite::Column& column) {
  return wire::Timestamp(std::chrono::microseconds(column.getInt64()));
}

wire::MessageId id_in_column(const SQLite::Column& column) {
  const auto id = wire::MessageId::parse(column.getString());
  if (!id) {
    throw SQLite::Exception("an id in it is damaged", SQLITE_CORRUPT);
  }
  return *id;
}

// What binds is not copied: it must outlive the statement's run. An id is short, and is.
void bind_id(SQLite::Statement& statement, int index, const wire::MessageId& id) {
  statement.bind(index, id.str());
}

void bind_bytes(SQLite::Statement& statement, int index, const std::string& bytes) {
  statement.bindNoCopy(index, bytes.data(), static_cast<int>(bytes.size()));
}

// Headers as "name NUL value NUL ...": neither can hold a NUL.
std::string packed(const wire::Headers& headers) {
  std::string bytes;
  for (const auto& [name, value] : headers) {
    bytes.append(name).push_back('\0');
    bytes.append(value).push_back('\0');
  }
  return bytes;
}

wire::Headers unpacked(std::string_view bytes) {
  wire::Headers headers;
  const auto take = [&bytes] {
    const auto end = std::min(bytes.find('\0'), bytes.size());
    std::string text(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    return text;
  };
  while (!bytes.empty()) {
    auto name = take();
    headers.add(std::move(name), take());
  }
  return headers;
}

std::string bytes_in(const SQLite::Column& column) {
  return {static_cast<const char*>(column.getBlob()), static_cast<std::size_t>(column.getBytes())};
}

// Columns subject, headers, payload.
std::optional<Message> message_in(SQLite::Statement& statement) {
  if (!statement.executeStep()) {
    return std::nullopt;
  }
  return Message{statement.getColumn(0).getString(),
                 unpacked(bytes_in(statement.getColumn(1))),
                 bytes_in(statement.getColumn(2)),
                 {}};
}

CommandRow row_in(SQLite::Statement& statement) {
  return {.id = id_in_column(statement.getColumn(0)),
          .method = statement.getColumn(1).getString(),
          .domain = statement.getColumn(2).getString(),
          .expires = time_of(statement.getColumn(3)),
          .stage = static_cast<CommandStage>(statement.getColumn(4).getInt()),
          .attempts = statement.getColumn(5).getInt(),
          .ack = statement.getColumn(6).getString()};
}

// Leaves a statement ready for its next run, whatever happens: one that stands open holds the end
// of its transaction up.
class Use {
 public:
  explicit Use(SQLite::Statement& statement) : statement_(statement) { statement_.tryReset(); }

  ~Use() { statement_.tryReset(); }

  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  SQLite::Statement& statement_;
};

void run(SQLite::Statement& statement) {
  statement.exec();
  statement.tryReset();
}

}  // namespace

SqliteStorage::SqliteStorage(std::unique_ptr<Database> database) : database_(std::move(database)) {}

SqliteStorage::~SqliteStorage() = default;

Result<void> SqliteStorage::begin() {
  return sql::guarded(kWriting, [this] {
    const Use use(database_->begin);
    run(database_->begin);
  });
}

Result<void> SqliteStorage::commit() {
  return sql::guarded(kWriting, [this] {
    const Use use(database_->commit);
    run(database_->commit);
  });
}

void SqliteStorage::rollback() {
  database_->forget_epoch();
  if (sqlite3_get_autocommit(database_->db.getHandle()) == 0) {
    static_cast<void>(database_->db.tryExec("ROLLBACK"));
  }
}

Result<std::optional<CommandRow>> SqliteStorage::find(const wire::MessageId& id) {
  return sql::guarded(kReading, [this, &id]() -> std::optional<CommandRow> {
    auto& find = database_->find;
    const Use use(find);
    bind_id(find, 1, id);
    return find.executeStep() ? std::optional(row_in(find)) : std::nullopt;
  });
}

Result<void> SqliteStorage::add(const CommandRow& row, const Message* message) {
  return sql::guarded(kWriting, [this, &row, message] {
    auto& add = database_->add;
    const Use use(add);
    bind_id(add, 1, row.id);
    add.bindNoCopy(2, row.method);
    add.bindNoCopy(3, row.domain);
    add.bind(4, number_of(row.expires));
    add.bind(5, static_cast<int>(row.stage));
    add.bind(6, row.attempts);
    add.bindNoCopy(7, row.ack);
    run(add);
    if (message == nullptr) {
      return;
    }
    auto& put = database_->add_message;
    const Use use_put(put);
    const std::string headers = packed(message->headers);
    put.bind(1, database_->db.getLastInsertRowid());
    put.bindNoCopy(2, message->subject);
    bind_bytes(put, 3, headers);
    bind_bytes(put, 4, message->payload);
    run(put);
  });
}

Result<void> SqliteStorage::change(const CommandRow& row) {
  return sql::guarded(kWriting, [this, &row] {
    auto& d = *database_;
    if (row.stage == CommandStage::finished) {
      const Use use(d.drop_message);
      bind_id(d.drop_message, 1, row.id);
      run(d.drop_message);
    }
    const Use use(d.change);
    bind_id(d.change, 1, row.id);
    d.change.bindNoCopy(2, row.method);
    d.change.bindNoCopy(3, row.domain);
    d.change.bind(4, number_of(row.expires));
    d.change.bind(5, static_cast<int>(row.stage));
    d.change.bind(6, row.attempts);
    d.change.bindNoCopy(7, row.ack);
    run(d.change);
  });
}

Result<std::vector<CommandRow>> SqliteStorage::unfinished() {
  return sql::guarded(kReading, [this] {
    SQLite::Statement select(database_->db,
                             "SELECT id, method, domain, expires, stage, attempts, ack FROM "
                             "messages JOIN commands USING (number) ORDER BY number");
    std::vector<CommandRow> rows;
    while (select.executeStep()) {
      rows.push_back(row_in(select));
    }
    return rows;
  });
}

Result<std::optional<Message>> SqliteStorage::message_of(const wire::MessageId& id) {
  return sql::guarded(kReading, [this, &id] {
    const Use use(database_->message_of);
    bind_id(database_->message_of, 1, id);
    return message_in(database_->message_of);
  });
}

Result<std::size_t> SqliteStorage::prune(wire::Timestamp before, std::size_t most) {
  return sql::guarded(kWriting, [this, before, most] {
    auto& prune = database_->prune;
    const Use use(prune);
    prune.bind(1, number_of(before));
    prune.bind(2, static_cast<std::int64_t>(most));
    return static_cast<std::size_t>(prune.exec());
  });
}

Result<void> SqliteStorage::add_event(const wire::Position& position,
                                      wire::Timestamp recorded,
                                      const Message& message) {
  return sql::guarded(kWriting, [this, &position, recorded, &message] {
    const auto epoch = database_->epoch_number(position.epoch);
    auto& add = database_->add_event;
    const Use use(add);
    const std::string headers = packed(message.headers);
    add.bind(1, place_of(epoch, position.seq));
    add.bind(2, number_of(recorded));
    add.bindNoCopy(3, message.subject);
    bind_bytes(add, 4, headers);
    bind_bytes(add, 5, message.payload);
    run(add);
  });
}

Result<std::optional<Message>> SqliteStorage::event(const wire::Position& position) {
  return sql::guarded(kReading, [this, &position]() -> std::optional<Message> {
    const auto epoch = database_->find_epoch_number(position.epoch);
    if (!epoch) {
      return std::nullopt;
    }
    const Use use(database_->event);
    database_->event.bind(1, place_of(*epoch, position.seq));
    return message_in(database_->event);
  });
}

Result<void> SqliteStorage::erase_events(const wire::MessageId& id, std::uint64_t upto) {
  return sql::guarded(kWriting, [this, &id, upto] {
    const auto epoch = database_->find_epoch_number(id);
    if (!epoch) {
      return;
    }
    auto& erase = database_->erase_events;
    const Use use(erase);
    erase.bind(1, place_of(*epoch, 0));
    erase.bind(2, place_of(*epoch, upto));
    run(erase);
  });
}

Result<void> SqliteStorage::visit_events(const std::function<void(const KeptEvent&)>& see) {
  return sql::guarded(kReading, [this, &see] {
    SQLite::Statement select(
        database_->db,
        "SELECT epoch, place, recorded, length(payload) FROM events JOIN epochs ON number = place "
        ">> " +
            std::to_string(kSeqBits) + " ORDER BY place");
    while (select.executeStep()) {
      const auto seq = static_cast<std::uint64_t>(select.getColumn(1).getInt64()) &
                       ((std::uint64_t{1} << kSeqBits) - 1);
      see({{id_in_column(select.getColumn(0)), seq},
           time_of(select.getColumn(2)),
           static_cast<std::size_t>(select.getColumn(3).getInt64())});
    }
  });
}

Result<std::size_t> SqliteStorage::bytes() {
  return sql::guarded(kReading, [this] {
    auto& d = *database_;
    const auto one = [](SQLite::Statement& statement) {
      const Use use(statement);
      statement.executeStep();
      return statement.getColumn(0).getInt64();
    };
    return static_cast<std::size_t>((one(d.page_count) - one(d.free_pages)) * d.page_bytes);
  });
}

void SqliteStorage::limit_pages(int pages) {
  static_cast<void>(database_->db.execAndGet("PRAGMA max_page_count = " + std::to_string(pages)));
}

}  // namespace steward::bus
