#include "steward/store.hpp"

#include "handlers/runtime/fd.hpp"
#include "steward/store_database.hpp"

#include <sqlite3.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace steward::station {
namespace {

// Files that are larger than this are not read through at each start to find damage.
constexpr std::uintmax_t kCheckedBytes = 128 * 1024 * 1024;

enum class Health { usable, damaged };

std::uintmax_t size_of_file(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
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
    return failure(ErrorCode::unsupported,
                   file.string() +
                       " is a database, but not a station's; name another state "
                       "directory");
  }
  if (version > sql::kSchemaVersion) {
    return failure(ErrorCode::unsupported,
                   file.string() + " was written by a newer version of steward (its format is " +
                       std::to_string(version) + ", this version knows " +
                       std::to_string(sql::kSchemaVersion) +
                       "); run that version, or name another state directory");
  }
  if (size_of_file(file) <= kCheckedBytes &&
      db.execAndGet("PRAGMA quick_check(1)").getString() != "ok") {
    return Health::damaged;
  }
  return Health::usable;
}

// What stands in a file that exists. Errors as Store's.
Result<Health> check_health(const std::filesystem::path& file) {
  if (size_of_file(file) == 0) {
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
  const runtime::Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) {
    return tl::unexpected<Error>(system_error(errno, "open " + file.string()));
  }
  return {};
}

Result<std::string> move_aside(const std::filesystem::path& file, wire::Timestamp now) {
  const std::string name = file.string() + ".damaged-" + wire::format_time(now);
  for (const std::string suffix : {"", "-wal", "-shm"}) {
    std::error_code error;
    std::filesystem::rename(file.string() + suffix, name + suffix, error);
    if (error && suffix.empty()) {
      return tl::unexpected<Error>(
          system_error(error.value(), "move the damaged " + file.string() + " aside"));
    }
  }
  return file.string() + " is damaged: it was moved to " + name +
         " and a new one begun; the table fills again as units speak, the jobs before now are in "
         "the old file only";
}

}  // namespace

Result<Store::Opened> Store::open(const std::filesystem::path& file,
                                  Limits limits,
                                  wire::Timestamp now) {
  Opened opened;
  STEWARD_TRY(const Health health, check_health(file));
  if (health == Health::damaged) {
    STEWARD_TRY(opened.notice, move_aside(file, now));
  }
  if (auto made = make_private(file); !made) {
    return tl::unexpected<Error>(std::move(made).error());
  }
  STEWARD_TRY(auto database, sql::guarded("open " + file.string(), [&file] {
                return std::make_unique<Database>(file);
              }));
  opened.store.reset(new Store(file, limits, std::move(database)));
  return opened;
}

Store::Store(std::filesystem::path file, Limits limits, std::unique_ptr<Database> database)
    : file_(std::move(file)), limits_(limits), database_(std::move(database)) {}

Store::~Store() = default;

Result<void> Store::commit(const Batch& batch, wire::Timestamp now) {
  return sql::guarded("write " + file_.string(), [this, &batch, now] {
    auto& d = *database_;
    SQLite::Transaction transaction(d.db, SQLite::TransactionBehavior::IMMEDIATE);
    for (const auto& [name, row] : batch.units) {
      const std::string text = wire::encode(row);
      sql::run(d.put_unit, name, text, now);
    }
    for (const auto& command : batch.commands) {
      const std::string id = command.id.str();
      const std::string job = command.job.str();
      sql::run(d.put_command,
               id,
               job,
               command.subject,
               command.summary,
               command.by,
               command.payload,
               command.created,
               command.expires);
      sql::run(d.put_job, job, command.subject, command.summary, command.by, command.created);
    }
    sql::write_undelivered(d.db, batch);
    sql::write_repeats(d.db, batch);
    sql::write_facts(d.db, batch);
    sql::write_words(d.db, batch);
    for (const auto& step : batch.steps) {
      const std::string id = step.command.str();
      const std::string state(wire::word(step.state));
      const std::string taken =
          state + " " + std::to_string(step.at.time_since_epoch().count()) + ";";
      sql::run(d.put_step,
               id,
               step.unit,
               state,
               std::int64_t{wire::is_terminal(step.state) ? 0 : 1},
               std::int64_t{step.said_by == SaidBy::station ? 1 : 0},
               step.code,
               step.message,
               step.result,
               taken);
    }
    for (const auto& [name, change] : batch.unit_counts) {
      const auto& counts = change.commands;
      sql::run(d.put_unit_counts, name, counts.open, counts.done, counts.failed);
    }
    for (const auto& [job, change] : batch.job_counts) {
      const std::string id = job.str();
      const auto& counts = change.commands;
      sql::run(d.put_job_counts, id, change.units, counts.open, counts.done, counts.failed);
    }
    for (const auto& row : batch.history) {
      sql::run(d.put_history, row.at, row.unit, row.what, row.text);
    }
    sql::write_rollouts(d.db, batch);
    for (const auto& [unit, epoch] : batch.forgotten) {
      sql::run(d.erase_received, unit, epoch.str());
    }
    for (const auto& [outbox, upto] : batch.received) {
      const std::string epoch = outbox.second.str();
      sql::run(d.put_received, outbox.first, epoch, static_cast<std::int64_t>(upto), now);
    }
    for (const auto& [stream, position] : batch.positions) {
      sql::run(d.put_position,
               stream,
               static_cast<std::int64_t>(position.seq),
               position.time,
               position.id);
    }
    transaction.commit();
  });
}

Result<void> Store::trim(wire::Timestamp now) {
  return sql::guarded("trim " + file_.string(), [this, now] {
    auto& db = database_->db;
    SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
    const auto cutoff = now - limits_.age;
    // In portions, so that folding never waits for long.
    SQLite::Statement history(
        db,
        "DELETE FROM history WHERE number IN (SELECT number FROM (SELECT number, at FROM history "
        "ORDER BY number LIMIT 5000) WHERE at < ?1 OR number <= (SELECT max(number) FROM history) "
        "- ?2)");
    sql::run(history, cutoff, limits_.history_rows);
    const std::int64_t jobs = db.execAndGet("SELECT count(*) FROM jobs").getInt64();
    const std::int64_t too_many = std::max<std::int64_t>(0, jobs - limits_.commands);
    db.exec("CREATE TEMP TABLE IF NOT EXISTS leaving (job TEXT)");
    db.exec("DELETE FROM leaving");
    SQLite::Statement select(
        db,
        "INSERT INTO leaving SELECT job FROM jobs WHERE open = 0 AND (created < ?1 OR job IN "
        "(SELECT job FROM jobs ORDER BY created LIMIT ?2)) ORDER BY created LIMIT 1000");
    sql::run(select, cutoff, too_many);
    db.exec(
        "DELETE FROM command_units WHERE command IN "
        "(SELECT id FROM commands WHERE job IN (SELECT job FROM leaving))");
    db.exec(
        "DELETE FROM repeats WHERE command IN "
        "(SELECT id FROM commands WHERE job IN (SELECT job FROM leaving))");
    db.exec("DELETE FROM commands WHERE job IN (SELECT job FROM leaving)");
    db.exec("DELETE FROM jobs WHERE job IN (SELECT job FROM leaving)");
    transaction.commit();
  });
}

std::int64_t Store::bytes() const {
  return static_cast<std::int64_t>(size_of_file(file_) + size_of_file(file_.string() + "-wal"));
}

}  // namespace steward::station
