#include "steward/store.hpp"
#include "steward/store_database.hpp"

#include <utility>

// Alerts that are open, daemons, leases of reboots, and what operators have said: silences and
// groups.

namespace steward::station {
namespace {

// Rows of one table, by the key of its first column.
template <class Row>
void write(SQLite::Database& db,
           const std::string& table,
           const std::map<std::string, std::optional<Row>>& rows) {
  if (rows.empty()) {
    return;
  }
  SQLite::Statement put(db, "INSERT OR REPLACE INTO " + table + " (name, row) VALUES (?, ?)");
  SQLite::Statement erase(db, "DELETE FROM " + table + " WHERE name = ?");
  for (const auto& [name, row] : rows) {
    if (row) {
      const std::string text = wire::encode(*row);
      sql::run(put, name, text);
    } else {
      sql::run(erase, name);
    }
  }
}

// A row that this version cannot read is left out.
template <class Row>
std::vector<Row> read(SQLite::Database& db,
                      const std::string& table,
                      Result<Row> (*decode)(std::string_view)) {
  std::vector<Row> rows;
  SQLite::Statement get(db, "SELECT row FROM " + table);
  while (get.executeStep()) {
    if (auto row = decode(get.getColumn(0).getString())) {
      rows.push_back(*std::move(row));
    }
  }
  return rows;
}

void write_daemons(SQLite::Database& db, const Batch& batch) {
  if (batch.daemons.empty()) {
    return;
  }
  SQLite::Statement put(
      db, "INSERT OR REPLACE INTO daemons (unit, domain, name, row) VALUES (?, ?, ?, ?)");
  SQLite::Statement erase(db, "DELETE FROM daemons WHERE unit = ? AND domain = ? AND name = ?");
  for (const auto& [key, row] : batch.daemons) {
    if (row) {
      const std::string text = wire::encode(*row);
      sql::run(put, key.unit, key.domain, key.name, text);
    } else {
      sql::run(erase, key.unit, key.domain, key.name);
    }
  }
}

void write_leases(SQLite::Database& db, const Batch& batch) {
  if (batch.leases.empty()) {
    return;
  }
  SQLite::Statement put(db, "INSERT OR REPLACE INTO leases (unit, domain, row) VALUES (?, ?, ?)");
  SQLite::Statement erase(db, "DELETE FROM leases WHERE unit = ? AND domain = ?");
  for (const auto& [key, row] : batch.leases) {
    if (row) {
      const std::string text = wire::encode(*row);
      sql::run(put, key.first, key.second, text);
    } else {
      sql::run(erase, key.first, key.second);
    }
  }
}

}  // namespace

void sql::write_words(SQLite::Database& db, const Batch& batch) {
  if (!batch.alerts.empty()) {
    SQLite::Statement put(db,
                          "INSERT OR REPLACE INTO alerts (unit, source, rule, series, row) "
                          "VALUES (?, ?, ?, ?, ?)");
    SQLite::Statement erase(
        db, "DELETE FROM alerts WHERE unit = ? AND source = ? AND rule = ? AND series = ?");
    for (const auto& [key, row] : batch.alerts) {
      if (row) {
        const std::string text = wire::encode(*row);
        run(put, key.unit, key.source, key.rule, key.series, text);
      } else {
        run(erase, key.unit, key.source, key.rule, key.series);
      }
    }
  }
  write_daemons(db, batch);
  write_leases(db, batch);
  write(db, "silences", batch.silences);
  write(db, "groups", batch.groups);
}

void sql::read_words(SQLite::Database& db, Store::Kept& kept) {
  kept.alerts = read(db, "alerts", &wire::decode_alert_row);
  kept.daemons = read(db, "daemons", &wire::decode_unit_daemon);
  kept.leases = read(db, "leases", &wire::decode_reboot_lease);
  kept.silences = read(db, "silences", &wire::decode_silence_row);
  kept.groups = read(db, "groups", &wire::decode_group_row);
}

}  // namespace steward::station
