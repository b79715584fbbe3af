#pragma once

#include "steward/command_tracker.hpp"
#include "steward/metrics/metrics_table.hpp"
#include "steward/store.hpp"
#include "steward/unit_table.hpp"
#include "subjects/wire/enrollment.hpp"
#include "subjects/wire/query.hpp"
#include "subjects/wire/rollout.hpp"
#include "subjects/wire/selector.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace steward::station {

// Rows of an answer packed into chunks of at most kChunkBytes, which are sent as they get full. A
// row that is larger by itself goes alone.
class ChunkWriter {
 public:
  static constexpr std::size_t kChunkBytes = 256 * 1024;

  using Send = std::function<void(std::string chunk)>;

  explicit ChunkWriter(Send send) : send_(std::move(send)) {}

  void add(std::string row);
  void finish();           // the last chunk
  void fail(Error error);  // the last chunk, saying what went wrong; rows sent before stand

 private:
  void flush();

  const Send send_;
  wire::QueryChunk chunk_;
  std::size_t bytes_ = 0;
};

// Answers <station>.command.query.<what>: units, facts, metrics, alerts, daemons, silences, groups,
// rollouts, reboots, enrollments, jobs, job, command, failures, history, station, policy. A job on
// many units comes as several rows, each with the head (the payload in the first only) and the next
// of its units; `limit` bounds jobs and history. On the fold's thread.
class Queries {
 public:
  // What is not in those tables, as JSON text (empty: there is no row), and the units that are
  // meant.
  struct Rows {
    std::function<std::string()> station;
    std::function<std::string()> policy;
    std::function<Result<std::vector<std::string>>(const wire::Selector&)> pick;
    // What a unit has measured last, as it is; none where it is away.
    std::function<std::shared_ptr<const MetricsTable::Latest>(const std::string& unit)> metrics =
        nullptr;
    std::function<std::vector<wire::AlertRow>()> alerts = nullptr;
    std::function<std::vector<wire::UnitDaemon>(const std::vector<std::string>& units)> daemons =
        nullptr;
    std::function<std::vector<wire::SilenceRow>()> silences = nullptr;
    std::function<std::vector<wire::GroupRow>()> groups = nullptr;
    std::function<std::vector<wire::RolloutRow>()> rollouts = nullptr;
    std::function<std::vector<wire::RebootLease>(const std::vector<std::string>& units)> reboots =
        nullptr;
    std::function<std::vector<wire::EnrollmentRow>(const std::vector<std::string>& units)>
        enrollments = nullptr;
  };

  Queries(const UnitTable& units, const CommandTracker& commands, Store& store, Rows rows);

  // Sends the chunks of the answer. An unknown `what` is answered `unsupported`, a payload that is
  // none `bad_payload`.
  void answer(std::string_view what, std::string_view payload, const ChunkWriter::Send& send) const;

 private:
  Result<void> write(std::string_view what,
                     const wire::QueryRequest& request,
                     ChunkWriter& out) const;
  Result<std::vector<std::string>> units_meant(const wire::QueryRequest& request) const;
  Result<void> write_units(const wire::QueryRequest& request, ChunkWriter& out) const;
  Result<void> write_facts(const wire::QueryRequest& request, ChunkWriter& out) const;
  Result<void> write_metrics(const wire::QueryRequest& request, ChunkWriter& out) const;
  Result<void> write_alerts(const wire::QueryRequest& request, ChunkWriter& out) const;
  Result<void> write_rollouts(const wire::QueryRequest& request, ChunkWriter& out) const;
  Result<void> write_jobs(const wire::QueryRequest& request, ChunkWriter& out) const;
  Result<void> write_job(const wire::QueryRequest& request, ChunkWriter& out) const;
  Result<void> write_command(const wire::QueryRequest& request, ChunkWriter& out) const;
  Result<void> write_failures(const wire::QueryRequest& request, ChunkWriter& out) const;
  Result<void> write_history(const wire::QueryRequest& request, ChunkWriter& out) const;

  const UnitTable& units_;
  const CommandTracker& commands_;
  Store& store_;
  const Rows rows_;
};

}  // namespace steward::station
