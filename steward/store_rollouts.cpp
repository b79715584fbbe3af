#include "steward/store.hpp"
#include "steward/store_database.hpp"

#include <utility>

// Rollouts, and their commands until they were published.

namespace steward::station {
namespace {

void write_rows(SQLite::Database& db, const Batch& batch) {
  SQLite::Statement put(db,
                        "INSERT INTO rollouts (id, row, payload) VALUES (?, ?, '') "
                        "ON CONFLICT (id) DO UPDATE SET row = excluded.row");
  SQLite::Statement put_payload(db, "UPDATE rollouts SET payload = ? WHERE id = ?");
  SQLite::Statement erase(db, "DELETE FROM rollouts WHERE id = ?");
  for (const auto& [rollout, record] : batch.rollouts) {
    const std::string id = rollout.str();
    if (!record) {
      sql::run(erase, id);
      continue;
    }
    const std::string row = wire::encode(record->row);
    sql::run(put, id, row);
    if (record->payload) {
      sql::run(put_payload, *record->payload, id);
    }
  }
}

void write_units(SQLite::Database& db, const Batch& batch) {
  SQLite::Statement put(db,
                        "INSERT OR IGNORE INTO rollout_units (rollout, number, unit, command, "
                        "headers) VALUES (?, ?, ?, ?, ?)");
  for (const auto& record : batch.rollout_units) {
    const std::string id = record.rollout.str();
    const std::string command = record.command.str();
    const std::string headers = sql::packed(record.headers);
    sql::ready(put, id, static_cast<std::int64_t>(record.number), record.unit, command);
    put.bindNoCopy(5, headers.data(), static_cast<int>(headers.size()));
    put.exec();
  }
  SQLite::Statement release(
      db, "UPDATE rollout_units SET released = ?, how = ? WHERE rollout = ? AND number = ?");
  for (const auto& record : batch.releases) {
    const std::string id = record.rollout.str();
    sql::run(release,
             record.at,
             static_cast<std::int64_t>(record.how),
             id,
             static_cast<std::int64_t>(record.number));
  }
}

// Columns: number, unit, command, released, how, state.
KeptRollout::Unit rollout_unit_at(SQLite::Statement& statement) {
  const int how = statement.getColumn(4).getInt();
  KeptRollout::Unit unit{static_cast<std::size_t>(statement.getColumn(0).getInt64()),
                         {.unit = statement.getColumn(1).getString(),
                          .command = sql::id_of(statement.getColumn(2)),
                          .released = sql::optional_time_of(statement.getColumn(3)),
                          .how = how == 1   ? Release::canary
                                 : how == 2 ? Release::deferred
                                            : Release::in_turn}};
  if (!statement.getColumn(5).isNull()) {
    unit.state = sql::state_of(statement.getColumn(5));
  }
  return unit;
}

}  // namespace

void sql::write_rollouts(SQLite::Database& db, const Batch& batch) {
  if (!batch.rollouts.empty()) {
    write_rows(db, batch);
  }
  if (!batch.rollout_units.empty() || !batch.releases.empty()) {
    write_units(db, batch);
  }
  for (const auto& rollout : batch.rollouts_ended) {
    const std::string id = rollout.str();
    SQLite::Statement units(db, "DELETE FROM rollout_units WHERE rollout = ?");
    SQLite::Statement payload(db, "UPDATE rollouts SET payload = '' WHERE id = ?");
    run(units, id);
    run(payload, id);
  }
}

// A row that this version cannot read is left out.
void sql::read_rollouts(SQLite::Database& db, Store::Kept& kept) {
  SQLite::Statement rows(db, "SELECT id, row, payload FROM rollouts ORDER BY id");
  SQLite::Statement units(db,
                          "SELECT r.number, r.unit, r.command, r.released, r.how, u.state "
                          "FROM rollout_units AS r LEFT JOIN command_units AS u "
                          "ON u.command = r.command AND u.unit = r.unit WHERE r.rollout = ? "
                          "ORDER BY r.released IS NULL, r.released, r.number");
  while (rows.executeStep()) {
    auto row = wire::decode_rollout_row(rows.getColumn(1).getString());
    if (!row) {
      continue;
    }
    KeptRollout rollout{*std::move(row), rows.getColumn(2).getString(), {}};
    const std::string id = rows.getColumn(0).getString();
    ready(units, id);
    while (units.executeStep()) {
      rollout.units.push_back(rollout_unit_at(units));
    }
    kept.rollouts.push_back(std::move(rollout));
  }
}

Result<std::optional<Store::RolloutCommand>> Store::find_rollout_command(
    const wire::MessageId& rollout, std::size_t number) {
  return sql::guarded("read " + file_.string(),
                      [this, id = rollout.str(), number]() -> std::optional<RolloutCommand> {
                        SQLite::Statement get(database_->db,
                                              "SELECT u.headers, r.payload FROM rollout_units AS u "
                                              "JOIN rollouts AS r ON r.id = u.rollout "
                                              "WHERE u.rollout = ? AND u.number = ?");
                        sql::ready(get, id, static_cast<std::int64_t>(number));
                        if (!get.executeStep()) {
                          return std::nullopt;
                        }
                        return RolloutCommand{sql::unpacked(sql::bytes_of(get.getColumn(0))),
                                              get.getColumn(1).getString()};
                      });
}

}  // namespace steward::station
