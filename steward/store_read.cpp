#include "steward/store.hpp"
#include "steward/store_database.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace steward::station {
namespace {

// Of "ship1.command.shellcommand.operatingsystem" the last two tokens.
std::string service_of_text(const std::string& subject) {
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
          service_of_text(subject)};
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
      kept.counts.emplace_back(counts.getColumn(0).getString(), sql::counts_at(counts, 1));
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
    SQLite::Statement facts(db, "SELECT unit, hash FROM facts");
    while (facts.executeStep()) {
      kept.facts.emplace_back(facts.getColumn(0).getString(), facts.getColumn(1).getString());
    }
    kept.undelivered = sql::read_undelivered(db);
    sql::read_words(db, kept);
    sql::read_rollouts(db, kept);
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
