#include "steward/store.hpp"
#include "steward/store_database.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace steward::station {
namespace {

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

wire::CommandCounts counts_at(SQLite::Statement& statement, int first) {
  return {statement.getColumn(first).getInt64(),
          statement.getColumn(first + 1).getInt64(),
          statement.getColumn(first + 2).getInt64()};
}

// Columns: job, subject, summary, sender, created, units, open, done, failed.
wire::JobRow job_at(SQLite::Statement& statement) {
  return {sql::id_of(statement.getColumn(0)),
          statement.getColumn(1).getString(),
          statement.getColumn(2).getString(),
          statement.getColumn(3).getString(),
          sql::time_of(statement.getColumn(4)),
          statement.getColumn(5).getInt64(),
          counts_at(statement, 6)};
}

constexpr const char* kJobColumns =
    "SELECT job, subject, summary, sender, created, units, open, done, failed FROM jobs ";

// Of "ship1.command.shellcommand.operatingsystem" the last two tokens.
std::string service_of(const std::string& subject) {
  return subject.substr(subject.find('.', subject.find('.') + 1) + 1);
}

// Columns: id, job, subject, sender, expires.
TrackedCommand command_at(SQLite::Statement& statement) {
  const std::string subject = statement.getColumn(2).getString();
  return {sql::id_of(statement.getColumn(0)),
          sql::id_of(statement.getColumn(1)),
          sql::optional_time_of(statement.getColumn(4)),
          subject.rfind("@all.", 0) == 0,
          !statement.getColumn(3).getString().empty(),
          {},
          0,
          service_of(subject)};
}

wire::HistoryRow history_at(SQLite::Statement& statement) {
  return {statement.getColumn(0).getInt64(),
          sql::time_of(statement.getColumn(1)),
          statement.getColumn(2).getString(),
          statement.getColumn(3).getString(),
          statement.getColumn(4).getString()};
}

void read_units_of(SQLite::Statement& statement, TrackedCommand& command) {
  const std::string id = command.id.str();
  sql::ready(statement, id);
  while (statement.executeStep()) {
    command.units[statement.getColumn(0).getString()] = {
        sql::state_of(statement.getColumn(1)),
        statement.getColumn(2).getInt() != 0 ? SaidBy::station : SaidBy::unit};
  }
  statement.reset();
}

}  // namespace

Result<Store::Kept> Store::load() {
  return sql::guarded("read " + file_.string(), [this] {
    auto& db = database_->db;
    Kept kept;
    SQLite::Statement units(db, "SELECT row FROM units");
    while (units.executeStep()) {
      // A row that this version cannot read is not worth a failed start: the unit's next hello
      // makes it anew.
      if (auto row = wire::decode_unit_row(units.getColumn(0).getString())) {
        kept.units.push_back(std::move(*row));
      }
    }
    SQLite::Statement counts(db, "SELECT unit, open, done, failed FROM unit_counts");
    while (counts.executeStep()) {
      kept.counts.emplace_back(counts.getColumn(0).getString(), counts_at(counts, 1));
    }
    SQLite::Statement open(db,
                           "SELECT id, job, subject, sender, expires FROM commands WHERE id IN "
                           "(SELECT command FROM command_units WHERE is_open)");
    while (open.executeStep()) {
      kept.open.push_back(command_at(open));
    }
    for (auto& command : kept.open) {
      read_units_of(database_->get_command_units, command);
    }
    SQLite::Statement received(db, "SELECT unit, epoch, upto FROM received ORDER BY at");
    while (received.executeStep()) {
      kept.received.push_back({received.getColumn(0).getString(),
                               sql::id_of(received.getColumn(1)),
                               static_cast<std::uint64_t>(received.getColumn(2).getInt64())});
    }
    SQLite::Statement positions(db, "SELECT stream, seq, at, id FROM positions");
    while (positions.executeStep()) {
      kept.positions[positions.getColumn(0).getString()] = {
          static_cast<std::uint64_t>(positions.getColumn(1).getInt64()),
          sql::time_of(positions.getColumn(2)),
          positions.getColumn(3).getString()};
    }
    kept.undelivered = sql::read_undelivered(db);
    return kept;
  });
}

Result<std::optional<TrackedCommand>> Store::find_command(const wire::MessageId& id) {
  return sql::guarded("read " + file_.string(),
                      [this, text = id.str()]() -> std::optional<TrackedCommand> {
                        auto& statement = database_->get_command;
                        sql::ready(statement, text);
                        if (!statement.executeStep()) {
                          statement.reset();
                          return std::nullopt;
                        }
                        auto command = command_at(statement);
                        statement.reset();
                        read_units_of(database_->get_command_units, command);
                        return command;
                      });
}

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
        return detail;
      });
}

Result<void> Store::visit_job(const wire::MessageId& job,
                              const std::function<void(wire::JobUnit&&)>& see) {
  return sql::guarded("read " + file_.string(), [this, &see, text = job.str()] {
    SQLite::Statement statement(
        database_->db,
        "SELECT u.unit, u.command, u.state, u.steps, c.expires, u.code, u.message, u.result "
        "FROM commands AS c JOIN command_units AS u ON u.command = c.id WHERE c.job = ? "
        "ORDER BY c.id, u.unit");
    sql::ready(statement, text);
    while (statement.executeStep()) {
      see({statement.getColumn(0).getString(),
           sql::id_of(statement.getColumn(1)),
           sql::state_of(statement.getColumn(2)),
           parse_steps(statement.getColumn(3).getString()),
           sql::optional_time_of(statement.getColumn(4)),
           statement.getColumn(5).getString(),
           statement.getColumn(6).getString(),
           statement.getColumn(7).getString()});
    }
  });
}

Result<std::vector<wire::HistoryRow>> Store::history(std::int64_t after,
                                                     std::int64_t limit,
                                                     const std::vector<std::string>& units) {
  return sql::guarded("read " + file_.string(), [this, after, limit, &units] {
    const std::string order = after > 0 ? "ASC" : "DESC";
    const std::string columns = "SELECT number, at, unit, what, text FROM history WHERE number > ?";
    std::vector<wire::HistoryRow> rows;
    const auto read = [&rows](SQLite::Statement& statement) {
      while (statement.executeStep()) {
        rows.push_back(history_at(statement));
      }
    };
    if (units.empty()) {
      SQLite::Statement all(database_->db, columns + " ORDER BY number " + order + " LIMIT ?");
      sql::ready(all, after, limit);
      read(all);
    } else {
      SQLite::Statement one(database_->db,
                            columns + " AND unit = ? ORDER BY number " + order + " LIMIT ?");
      for (const auto& unit : std::set<std::string>(units.begin(), units.end())) {
        sql::ready(one, after, unit, limit);
        read(one);
      }
    }
    std::sort(
        rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    if (rows.size() > static_cast<std::size_t>(limit)) {
      const auto cut = rows.begin() + limit;
      rows =
          after > 0 ? std::vector(rows.begin(), cut) : std::vector(rows.end() - limit, rows.end());
    }
    return rows;
  });
}

}  // namespace steward::station
