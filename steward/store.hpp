#pragma once

#include "steward/batch.hpp"
#include "steward/command_tracker.hpp"
#include "steward/metrics/metrics_table.hpp"
#include "steward/redelivery.hpp"
#include "steward/rollouts_table.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/query.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace steward::station {

// station.db: what the station knows, on disk (README.md lists its tables). One thread.
//
// Errors of every function: io, no_space, permission (the disk is read-only), busy (another process
// holds it too long). After one the store is as it was before the call and may be used again.
class Store {
 public:
  struct Limits {
    std::int64_t history_rows = 1'000'000;
    std::int64_t commands = 1'000'000;  // finished ones beyond it go, the oldest first
    std::chrono::hours age{24 * 90};    // of history and of finished commands
  };

  struct Opened {
    std::unique_ptr<Store> store;
    std::string notice;  // what was found wrong and done about it, to be said loudly; or empty
  };

  // Opens the file, or makes it. One that is damaged is moved aside, to a name that the notice
  // says, and a new one begun; nothing is ever deleted. Errors also: unsupported (a newer version
  // of steward, or something else, has written it; it is left as it is).
  [[nodiscard]] static Result<Opened> open(const std::filesystem::path& file,
                                           Limits limits,
                                           wire::Timestamp now);

  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Writes a batch, on disk when this returns, whole or not at all.
  [[nodiscard]] Result<void> commit(const Batch& batch, wire::Timestamp now);

  // What an earlier run has left: all but finished commands.
  struct Kept {
    std::vector<wire::UnitRow> units;
    std::vector<std::pair<std::string, wire::CommandCounts>> counts;
    std::vector<TrackedCommand> open;
    std::vector<ReceivedRecord> received;          // the oldest epoch of a unit first
    std::vector<Redelivery::Command> undelivered;  // in their order
    std::map<std::string, bus::StreamPosition> positions;
    std::vector<std::pair<std::string, std::string>> facts;  // units, and the hashes of theirs
    std::vector<wire::AlertRow> alerts;
    std::vector<wire::UnitDaemon> daemons;
    std::vector<wire::RebootLease> leases;
    std::vector<wire::SilenceRow> silences;
    std::vector<wire::GroupRow> groups;
    std::vector<KeptRollout> rollouts;
  };

  [[nodiscard]] Result<Kept> load();

  // A command as it came, while some unit has not said a word about it.
  [[nodiscard]] Result<std::optional<UndeliveredCommand>> find_undelivered(
      const wire::MessageId& id);

  // A command of a rollout as it was handed over; none where it has ended.
  struct RolloutCommand {
    wire::Headers headers;
    std::string payload;
  };

  [[nodiscard]] Result<std::optional<RolloutCommand>> find_rollout_command(
      const wire::MessageId& rollout, std::size_t number);

  // A command, whatever its state; none where it is not known.
  [[nodiscard]] Result<std::optional<TrackedCommand>> find_command(const wire::MessageId& id);

  enum class JobFilter { all, open, failed };

  // Newest first.
  [[nodiscard]] Result<std::vector<wire::JobRow>> jobs(JobFilter filter, std::int64_t limit);

  // The job of that id, or the job of the command of that id; its units not filled in.
  [[nodiscard]] Result<std::optional<wire::JobDetail>> find_job(const wire::MessageId& id);

  // The same about one command: its own payload, and its units alone.
  [[nodiscard]] Result<std::optional<wire::JobDetail>> find_command_detail(
      const wire::MessageId& id);

  // Commands that ended otherwise than `done`, the newest first.
  [[nodiscard]] Result<std::vector<wire::FailureRow>> failures(std::int64_t limit);

  // What each unit made of each command of a job, one by one.
  [[nodiscard]] Result<void> visit_job(const wire::MessageId& job,
                                       const std::function<void(wire::JobUnit&&)>& see);

  // Rows with a number greater than `after`, the oldest first; with `after` 0 the newest ones, in
  // that order too. `units`: only theirs; empty: all.
  [[nodiscard]] Result<std::vector<wire::HistoryRow>> history(
      std::int64_t after, std::int64_t limit, const std::vector<std::string>& units);

  // What a unit is; none where it has not said so.
  [[nodiscard]] Result<std::optional<wire::FactsRow>> find_facts(const std::string& unit);

  // By unit, one fact of all that have it, as JSON text. `path`: a path of a fact.
  [[nodiscard]] Result<std::map<std::string, std::string>> fact_of_all(const std::string& path);

  // Rounds of metrics in place of their units' earlier ones, in one transaction. `schema` gives the
  // payload of a schema that is not there yet; empty: its rounds are left out. What was heard more
  // than an hour ago goes.
  [[nodiscard]] Result<void> keep_metrics(
      const std::vector<MetricsTable::Kept>& rounds,
      const std::function<std::string(const std::string& digest)>& schema,
      wire::Timestamp now);

  // All that are kept, their age as of `now`.
  [[nodiscard]] Result<std::vector<MetricsTable::Kept>> load_metrics(wire::Timestamp now);

  // Drops some of what is beyond the limits: call it now and then, in an idle moment.
  [[nodiscard]] Result<void> trim(wire::Timestamp now);

  // What it takes on disk.
  std::int64_t bytes() const;

 private:
  class Database;
  Store(std::filesystem::path file, Limits limits, std::unique_ptr<Database> database);

  const std::filesystem::path file_;
  const Limits limits_;
  std::unique_ptr<Database> database_;
};

}  // namespace steward::station
