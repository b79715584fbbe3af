#include "steward/store.hpp"
#include "steward/store_database.hpp"

#include <utility>

// What units are.

namespace steward::station {

void sql::write_facts(SQLite::Database& db, const Batch& batch) {
  if (batch.facts.empty()) {
    return;
  }
  SQLite::Statement put(db,
                        "INSERT OR REPLACE INTO facts (unit, hash, facts, at) VALUES (?, ?, ?, ?)");
  for (const auto& [unit, record] : batch.facts) {
    const std::string text = wire::facts_to_json(record.facts);
    run(put, unit, record.hash, text, record.at);
  }
}

Result<std::optional<wire::FactsRow>> Store::find_facts(const std::string& unit) {
  return sql::guarded("read " + file_.string(), [this, &unit]() -> std::optional<wire::FactsRow> {
    SQLite::Statement get(database_->db, "SELECT hash, facts, at FROM facts WHERE unit = ?");
    sql::ready(get, unit);
    if (!get.executeStep()) {
      return std::nullopt;
    }
    auto facts = wire::facts_from_json(get.getColumn(1).getString());
    if (!facts) {
      return std::nullopt;  // of a later version: told anew by the unit
    }
    return wire::FactsRow{
        unit, get.getColumn(0).getString(), sql::time_of(get.getColumn(2)), *std::move(facts)};
  });
}

Result<std::map<std::string, std::string>> Store::fact_of_all(const std::string& path) {
  return sql::guarded("read " + file_.string(), [this, &path] {
    const std::string where = "$.\"" + path + '"';
    std::map<std::string, std::string> values;
    SQLite::Statement get(database_->db, "SELECT unit, facts -> ? FROM facts");
    sql::ready(get, where);
    while (get.executeStep()) {
      if (!get.getColumn(1).isNull()) {
        values.emplace(get.getColumn(0).getString(), get.getColumn(1).getString());
      }
    }
    return values;
  });
}

}  // namespace steward::station
