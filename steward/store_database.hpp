#pragma once

#include "steward/store.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace steward::station {

// The connection to station.db with its statements prepared. For store*.cpp only; its functions
// throw SQLite::Exception, which guarded() turns into an Error.
class Store::Database {
 public:
  explicit Database(const std::filesystem::path& file);

  SQLite::Database db;
  SQLite::Statement put_unit;
  SQLite::Statement put_command;
  SQLite::Statement put_job;
  SQLite::Statement put_step;
  SQLite::Statement put_unit_counts;
  SQLite::Statement put_job_counts;
  SQLite::Statement put_history;
  SQLite::Statement put_received;
  SQLite::Statement erase_received;
  SQLite::Statement put_position;
  SQLite::Statement get_command;
  SQLite::Statement get_command_units;
  SQLite::Statement get_undelivered;
};

namespace sql {

// What SQLite said, as an error of ours.
Error error_of(const SQLite::Exception& exception, std::string_view doing);

// Runs a function that may throw, and gives its result or what was thrown as an error.
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
    return tl::unexpected<Error>(error_of(exception, doing));
  }
}

inline void bind_one(SQLite::Statement& statement, int index, const std::string& text) {
  statement.bindNoCopy(index, text);
}

inline void bind_one(SQLite::Statement& statement, int index, std::int64_t number) {
  statement.bind(index, number);
}

inline void bind_one(SQLite::Statement& statement, int index, wire::Timestamp time) {
  statement.bind(index, static_cast<std::int64_t>(time.time_since_epoch().count()));
}

inline void bind_one(SQLite::Statement& statement,
                     int index,
                     const std::optional<wire::Timestamp>& time) {
  if (time) {
    bind_one(statement, index, *time);
  } else {
    statement.bind(index);
  }
}

// Makes a statement ready with its parameters. Texts are not copied: they must outlive its run.
template <class... Values>
void ready(SQLite::Statement& statement, const Values&... values) {
  statement.tryReset();
  int index = 0;
  (bind_one(statement, ++index, values), ...);
}

template <class... Values>
void run(SQLite::Statement& statement, const Values&... values) {
  ready(statement, values...);
  statement.exec();
}

wire::Timestamp time_of(const SQLite::Column& column);
std::optional<wire::Timestamp> optional_time_of(const SQLite::Column& column);

// An id that we wrote ourselves; a damaged one throws, as a damaged file does.
wire::MessageId id_of(const SQLite::Column& column);
wire::CommandState state_of(const SQLite::Column& column);

// Columns: open, done, failed, from that one on.
wire::CommandCounts counts_at(SQLite::Statement& statement, int first);

// Commands as they came, for units that have not said a word about them. Throw.
void write_undelivered(SQLite::Database& db, const Batch& batch);
std::vector<Redelivery::Command> read_undelivered(SQLite::Database& db);

// Rollouts. Throw.
void write_rollouts(SQLite::Database& db, const Batch& batch);
void read_rollouts(SQLite::Database& db, Store::Kept& kept);

// Headers as one blob, and back; throws where it is damaged.
std::string packed(const wire::Headers& headers);
wire::Headers unpacked(std::string_view bytes);

// Of a column that holds a blob: until the next step.
std::string_view bytes_of(const SQLite::Column& column);

// Which command another one has sent again. Throws.
void write_repeats(SQLite::Database& db, const Batch& batch);

// What units are. Throws.
void write_facts(SQLite::Database& db, const Batch& batch);

// Alerts, daemons, leases, silences and groups. Throw.
void write_words(SQLite::Database& db, const Batch& batch);
void read_words(SQLite::Database& db, Store::Kept& kept);

// The steps of a command on a unit, as command_units has them.
std::vector<wire::StateChange> parse_steps(std::string_view text);

// Makes the tables in an empty file. Throws.
void create_schema(SQLite::Database& db);

// Makes what a file of an earlier version lacks. Throws.
void upgrade_schema(SQLite::Database& db);

inline constexpr int kSchemaVersion = 8;
inline constexpr int kApplicationId = 0x53745764;  // "StWd": the file is a station's

}  // namespace sql

}  // namespace steward::station
