#include "steward/store.hpp"
#include "steward/store_database.hpp"
#include "steward/summary.hpp"

#include <charconv>
#include <utility>

namespace steward::station {
namespace sql {

// "accepted 1763712000000000;running 1763712000000001;"
std::vector<wire::StateChange> parse_steps(std::string_view text) {
  std::vector<wire::StateChange> steps;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    const auto step = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto space = step.find(' ');
    const auto state = wire::parse_command_state(step.substr(0, space));
    std::int64_t time = 0;
    if (!state || space == std::string_view::npos) {
      continue;
    }
    std::from_chars(step.data() + space + 1, step.data() + step.size(), time);
    steps.push_back({*state, wire::Timestamp(std::chrono::microseconds(time))});
  }
  return steps;
}

void write_repeats(SQLite::Database& db, const Batch& batch) {
  for (const auto& command : batch.commands) {
    if (!command.repeats) {
      continue;
    }
    SQLite::Statement put(db, "INSERT OR IGNORE INTO repeats (command, earlier) VALUES (?, ?)");
    const std::string id = command.id.str();
    const std::string earlier = command.repeats->str();
    run(put, id, earlier);
  }
}

}  // namespace sql

namespace {

// Columns: job, subject, summary, sender, created, units, open, done, failed.
wire::JobRow job_at(SQLite::Statement& statement) {
  return {sql::id_of(statement.getColumn(0)),
          statement.getColumn(1).getString(),
          statement.getColumn(2).getString(),
          statement.getColumn(3).getString(),
          sql::time_of(statement.getColumn(4)),
          statement.getColumn(5).getInt64(),
          sql::counts_at(statement, 6)};
}

constexpr const char* kJobColumns =
    "SELECT job, subject, summary, sender, created, units, open, done, failed FROM jobs ";

// Columns: unit, command, state, steps, expires, code, message, result.
wire::JobUnit job_unit_at(SQLite::Statement& statement) {
  return {statement.getColumn(0).getString(),
          sql::id_of(statement.getColumn(1)),
          sql::state_of(statement.getColumn(2)),
          sql::parse_steps(statement.getColumn(3).getString()),
          sql::optional_time_of(statement.getColumn(4)),
          statement.getColumn(5).getString(),
          statement.getColumn(6).getString(),
          statement.getColumn(7).getString()};
}

constexpr const char* kJobUnitColumns =
    "SELECT u.unit, u.command, u.state, u.steps, c.expires, u.code, u.message, u.result "
    "FROM commands AS c JOIN command_units AS u ON u.command = c.id ";

std::optional<wire::MessageId> retried_by(SQLite::Database& db, const std::string& job) {
  SQLite::Statement earlier(db,
                            "SELECT o.job FROM commands AS c JOIN repeats AS r ON r.command = c.id "
                            "JOIN commands AS o ON o.id = r.earlier WHERE c.job = ? LIMIT 1");
  sql::ready(earlier, job);
  return earlier.executeStep() ? std::optional(sql::id_of(earlier.getColumn(0))) : std::nullopt;
}

}  // namespace

Result<std::vector<wire::JobRow>> Store::jobs(JobFilter filter, std::int64_t limit) {
  return sql::guarded("read " + file_.string(), [this, filter, limit] {
    std::string query = kJobColumns;
    if (filter != JobFilter::all) {
      query += filter == JobFilter::open ? "WHERE open > 0 " : "WHERE failed > 0 ";
    }
    SQLite::Statement statement(database_->db, query + "ORDER BY created DESC LIMIT ?");
    sql::ready(statement, limit);
    std::vector<wire::JobRow> rows;
    while (statement.executeStep()) {
      rows.push_back(job_at(statement));
    }
    return rows;
  });
}

Result<std::optional<wire::JobDetail>> Store::find_job(const wire::MessageId& id) {
  return sql::guarded(
      "read " + file_.string(), [this, text = id.str()]() -> std::optional<wire::JobDetail> {
        SQLite::Statement job(database_->db,
                              std::string(kJobColumns) + "WHERE job = ?1 UNION ALL " + kJobColumns +
                                  "WHERE job = (SELECT job FROM commands WHERE id = ?1) LIMIT 1");
        sql::ready(job, text);
        if (!job.executeStep()) {
          return std::nullopt;
        }
        wire::JobDetail detail{job_at(job), {}, {}};
        const std::string found = detail.job.job.str();
        SQLite::Statement first(database_->db,
                                "SELECT payload FROM commands WHERE job = ? ORDER BY id LIMIT 1");
        sql::ready(first, found);
        if (first.executeStep()) {
          detail.payload = first.getColumn(0).getString();
        }
        detail.retries = retried_by(database_->db, found);
        SQLite::Statement payloads(database_->db,
                                   "SELECT count(DISTINCT payload) FROM commands WHERE job = ?");
        sql::ready(payloads, found);
        (void)payloads.executeStep();
        detail.payloads = payloads.getColumn(0).getInt64();
        return detail;
      });
}

Result<std::optional<wire::JobDetail>> Store::find_command_detail(const wire::MessageId& id) {
  return sql::guarded(
      "read " + file_.string(), [this, text = id.str()]() -> std::optional<wire::JobDetail> {
        SQLite::Statement command(database_->db,
                                  "SELECT job, subject, summary, sender, created, payload "
                                  "FROM commands WHERE id = ?");
        sql::ready(command, text);
        if (!command.executeStep()) {
          return std::nullopt;
        }
        wire::JobDetail detail{{sql::id_of(command.getColumn(0)),
                                command.getColumn(1).getString(),
                                command.getColumn(2).getString(),
                                command.getColumn(3).getString(),
                                sql::time_of(command.getColumn(4)),
                                0,
                                {}},
                               command.getColumn(5).getString(),
                               {}};
        SQLite::Statement units(database_->db,
                                std::string(kJobUnitColumns) + "WHERE c.id = ? ORDER BY u.unit");
        sql::ready(units, text);
        while (units.executeStep()) {
          detail.units.push_back(job_unit_at(units));
        }
        detail.job.units = static_cast<std::int64_t>(detail.units.size());
        return detail;
      });
}

Result<void> Store::visit_job(const wire::MessageId& job,
                              const std::function<void(wire::JobUnit&&)>& see) {
  return sql::guarded("read " + file_.string(), [this, &see, text = job.str()] {
    SQLite::Statement statement(
        database_->db, std::string(kJobUnitColumns) + "WHERE c.job = ? ORDER BY c.id, u.unit");
    sql::ready(statement, text);
    while (statement.executeStep()) {
      see(job_unit_at(statement));
    }
  });
}

Result<std::vector<wire::FailureRow>> Store::failures(std::int64_t limit) {
  return sql::guarded("read " + file_.string(), [this, limit] {
    SQLite::Statement statement(
        database_->db,
        "SELECT c.job, u.command, u.unit, u.state, u.steps, u.code, u.message, u.result, "
        "c.subject, c.summary, c.sender, c.created, c.expires "
        "FROM command_units AS u INDEXED BY command_units_failed "
        "JOIN commands AS c ON c.id = u.command WHERE u.is_open = 0 AND u.state <> 'done' "
        "ORDER BY u.command DESC, u.unit DESC LIMIT ?");
    sql::ready(statement, limit);
    std::vector<wire::FailureRow> rows;
    while (statement.executeStep()) {
      const auto steps = sql::parse_steps(statement.getColumn(4).getString());
      rows.push_back({sql::id_of(statement.getColumn(0)),
                      sql::id_of(statement.getColumn(1)),
                      statement.getColumn(2).getString(),
                      sql::state_of(statement.getColumn(3)),
                      steps.empty() ? std::nullopt : std::optional(steps.back().at),
                      statement.getColumn(5).getString(),
                      statement.getColumn(6).getString(),
                      short_fields(statement.getColumn(7).getString()),
                      statement.getColumn(8).getString(),
                      statement.getColumn(9).getString(),
                      statement.getColumn(10).getString(),
                      sql::time_of(statement.getColumn(11)),
                      sql::optional_time_of(statement.getColumn(12))});
    }
    return rows;
  });
}

}  // namespace steward::station
