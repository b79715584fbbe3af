#include "steward/store.hpp"
#include "steward/store_database.hpp"

#include <sqlite3.h>

#include <charconv>
#include <string_view>

namespace steward::station {

// Each name and value as "<length>:<bytes>", for their bytes may be any.
std::string sql::packed(const wire::Headers& headers) {
  std::string out;
  const auto put = [&out](const std::string& text) {
    out.append(std::to_string(text.size())).append(":").append(text);
  };
  for (const auto& [name, value] : headers) {
    put(name);
    put(value);
  }
  return out;
}

namespace {

// Takes the next text off the front. Throws where the row is damaged.
std::string next_text(std::string_view& bytes) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), size);
  const auto begin = static_cast<std::size_t>(end - bytes.data()) + 1;
  if (error != std::errc() || begin > bytes.size() || size > bytes.size() - begin) {
    throw SQLite::Exception("headers in it are damaged", SQLITE_CORRUPT);
  }
  std::string text(bytes.substr(begin, size));
  bytes.remove_prefix(begin + size);
  return text;
}

}  // namespace

wire::Headers sql::unpacked(std::string_view bytes) {
  wire::Headers headers;
  while (!bytes.empty()) {
    std::string name = next_text(bytes);
    headers.add(std::move(name), next_text(bytes));
  }
  return headers;
}

std::string_view sql::bytes_of(const SQLite::Column& column) {
  return {static_cast<const char*>(column.getBlob()), static_cast<std::size_t>(column.getBytes())};
}

namespace sql {

void write_undelivered(SQLite::Database& db, const Batch& batch) {
  if (!batch.undelivered.empty()) {
    SQLite::Statement put(db,
                          "INSERT OR REPLACE INTO undelivered (command, number, expires, subject, "
                          "headers, payload) VALUES (?, ?, ?, ?, ?, ?)");
    for (const auto& [id, command] : batch.undelivered) {
      const std::string text = id.str();
      const std::string headers = packed(command.headers);
      ready(put, text, static_cast<std::int64_t>(command.order), command.expires, command.subject);
      put.bindNoCopy(5, headers.data(), static_cast<int>(headers.size()));
      put.bindNoCopy(6, command.payload.data(), static_cast<int>(command.payload.size()));
      put.exec();
    }
  }
  if (!batch.delivered.empty()) {
    SQLite::Statement drop(db, "DELETE FROM undelivered WHERE command = ?");
    for (const auto& id : batch.delivered) {
      const std::string text = id.str();
      run(drop, text);
    }
  }
}

std::vector<Redelivery::Command> read_undelivered(SQLite::Database& db) {
  std::vector<Redelivery::Command> commands;
  SQLite::Statement all(
      db, "SELECT command, number, expires, length(payload) FROM undelivered ORDER BY number");
  while (all.executeStep()) {
    commands.push_back({id_of(all.getColumn(0)),
                        static_cast<std::uint64_t>(all.getColumn(1).getInt64()),
                        optional_time_of(all.getColumn(2)),
                        static_cast<std::size_t>(all.getColumn(3).getInt64())});
  }
  return commands;
}

}  // namespace sql

Result<std::optional<UndeliveredCommand>> Store::find_undelivered(const wire::MessageId& id) {
  return sql::guarded("read " + file_.string(), [this, &id]() -> std::optional<UndeliveredCommand> {
    auto& statement = database_->get_undelivered;
    const std::string text = id.str();
    sql::ready(statement, text);
    std::optional<UndeliveredCommand> found;
    if (statement.executeStep()) {
      found = UndeliveredCommand{id,
                                 static_cast<std::uint64_t>(statement.getColumn(0).getInt64()),
                                 sql::optional_time_of(statement.getColumn(1)),
                                 statement.getColumn(2).getString(),
                                 sql::unpacked(sql::bytes_of(statement.getColumn(3))),
                                 std::string(sql::bytes_of(statement.getColumn(4)))};
    }
    statement.reset();
    return found;
  });
}

}  // namespace steward::station
