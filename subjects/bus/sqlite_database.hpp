#pragma once

#include "subjects/bus/sqlite_storage.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace steward::bus {

// The connection to edge.db with its statements prepared. For sqlite_*.cpp only; its functions
// throw SQLite::Exception, which guarded() turns into an Error.
class SqliteStorage::Database {
 public:
  explicit Database(const std::filesystem::path& file);

  // The number of an epoch, which is made where it is not there.
  std::int64_t epoch_number(const wire::MessageId& epoch);
  std::optional<std::int64_t> find_epoch_number(const wire::MessageId& epoch);

  // After a rollback: the number may not have been committed.
  void forget_epoch() { known_epoch_.reset(); }

  SQLite::Database db;
  SQLite::Statement begin;
  SQLite::Statement commit;
  SQLite::Statement find;
  SQLite::Statement add;
  SQLite::Statement add_message;
  SQLite::Statement change;
  SQLite::Statement drop_message;
  SQLite::Statement message_of;
  SQLite::Statement prune;
  SQLite::Statement find_epoch;
  SQLite::Statement add_epoch;
  SQLite::Statement add_event;
  SQLite::Statement event;
  SQLite::Statement erase_events;
  SQLite::Statement page_count;
  SQLite::Statement free_pages;
  std::int64_t page_bytes = 0;

 private:
  // The epoch asked for last: nearly always the next one, too.
  std::optional<std::pair<wire::MessageId, std::int64_t>> known_epoch_;
};

namespace sql {

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

inline constexpr int kFormat = 1;
inline constexpr int kApplicationId = 0x53744564;  // "StEd": the file is a unit's

}  // namespace sql

}  // namespace steward::bus
