#include "steward/store.hpp"
#include "steward/store_database.hpp"

#include <utility>

// The latest that units have measured, so that a station that starts again has it.

namespace steward::station {
namespace {

constexpr std::chrono::hours kUseful{1};  // no table keeps it longer

}  // namespace

Result<void> Store::keep_metrics(
    const std::vector<MetricsTable::Kept>& rounds,
    const std::function<std::string(const std::string& digest)>& schema,
    wire::Timestamp now) {
  return sql::guarded("write " + file_.string(), [&] {
    auto& db = database_->db;
    SQLite::Transaction transaction(db);
    SQLite::Statement known(db, "SELECT 1 FROM metric_schemas WHERE digest = ?");
    SQLite::Statement put_schema(db, "INSERT INTO metric_schemas (digest, schema) VALUES (?, ?)");
    SQLite::Statement put(
        db,
        "INSERT OR REPLACE INTO metrics (unit, schema, round, interval_ms, heard) "
        "VALUES (?, ?, ?, ?, ?)");
    for (const auto& one : rounds) {
      sql::ready(known, one.digest);
      if (!known.executeStep()) {
        const auto payload = schema(one.digest);
        if (payload.empty()) {
          continue;
        }
        sql::run(put_schema, one.digest, payload);
      }
      put.tryReset();
      put.bind(1, one.unit);
      put.bind(2, one.digest);
      put.bind(3, one.round.data(), static_cast<int>(one.round.size()));
      put.bind(4, static_cast<std::int64_t>(one.interval.count()));
      put.bind(5, static_cast<std::int64_t>((now - one.age).time_since_epoch().count()));
      put.exec();
    }
    SQLite::Statement forget(db, "DELETE FROM metrics WHERE heard < ?");
    sql::run(forget, wire::Timestamp(now - kUseful));
    db.exec("DELETE FROM metric_schemas WHERE digest NOT IN (SELECT schema FROM metrics)");
    transaction.commit();
  });
}

Result<std::vector<MetricsTable::Kept>> Store::load_metrics(wire::Timestamp now) {
  return sql::guarded("read " + file_.string(), [this, now] {
    std::vector<MetricsTable::Kept> all;
    SQLite::Statement get(database_->db,
                          "SELECT unit, digest, metric_schemas.schema, round, interval_ms, heard "
                          "FROM metrics JOIN metric_schemas ON metrics.schema = digest");
    while (get.executeStep()) {
      MetricsTable::Kept one;
      one.unit = get.getColumn(0).getString();
      one.digest = get.getColumn(1).getString();
      one.schema = get.getColumn(2).getString();
      one.round = std::string(sql::bytes_of(get.getColumn(3)));
      one.interval = std::chrono::milliseconds(get.getColumn(4).getInt64());
      one.age = std::chrono::duration_cast<std::chrono::milliseconds>(
          now - sql::time_of(get.getColumn(5)));
      all.push_back(std::move(one));
    }
    return all;
  });
}

}  // namespace steward::station
