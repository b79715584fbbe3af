#pragma once

#include "subjects/wire/ack.hpp"
#include "subjects/wire/hello.hpp"
#include "subjects/wire/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

// What a station is asked on <station>.command.query.<what>, a request answered in chunks to the
// asker's inbox. The contract is in README.md ("query").

enum class UnitState { up, late, down, never, conflict };

std::string_view word(UnitState state);
[[nodiscard]] Result<UnitState> parse_unit_state(std::string_view text);

struct CommandCounts {
  std::int64_t open = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;  // every other terminal state

  bool operator==(const CommandCounts&) const = default;
};

// One row of the live state table.
struct UnitRow {
  std::string unit;
  UnitState state = UnitState::never;
  std::optional<Timestamp> since;      // of this state
  std::optional<Timestamp> last_seen;  // by the station's clock
  std::string source;                  // what said so: hello, bye, silence, ack, configuration
  Hello hello;                         // the latest; agent_version, rtt, handlers, outbox ...
  std::string other_session;           // conflict: the second one
  CommandCounts commands;

  bool operator==(const UnitRow&) const = default;
};

std::string encode(const UnitRow& row);
[[nodiscard]] Result<UnitRow> decode_unit_row(std::string_view json);

// One operator action on one or more units.
struct JobRow {
  MessageId job;
  std::string subject;  // of its first command
  std::string summary;  // for people: the command line
  std::string by;       // ce-source
  Timestamp created;
  std::int64_t units = 0;
  CommandCounts commands;

  bool operator==(const JobRow&) const = default;
};

std::string encode(const JobRow& row);
[[nodiscard]] Result<JobRow> decode_job_row(std::string_view json);

struct StateChange {
  CommandState state;
  Timestamp at;  // the station's clock

  bool operator==(const StateChange&) const = default;
};

// What one unit made of one command of a job.
struct JobUnit {
  std::string unit;
  MessageId command;
  CommandState state;
  std::vector<StateChange> history;
  std::optional<Timestamp> expires;
  std::string code;
  std::string message;
  std::string result;  // JSON object as text; empty for none

  bool operator==(const JobUnit&) const = default;
};

struct JobDetail {
  JobRow job;
  std::string payload;  // of the command, JSON text
  std::vector<JobUnit> units;
  std::optional<MessageId> retries;  // the job that this one has sent again
  std::int64_t payloads = 1;         // how many different ones its commands have

  bool operator==(const JobDetail&) const = default;
};

// A job on many units is answered in several rows, each with the head and the next of its units:
// readers join their `units`.
// {job, command: {subject, payload, by, created, summary}, payloads, retries, units: [{unit,
// command, state, history: [{state, at}], code, message, result}]}
std::string encode(const JobDetail& detail);
[[nodiscard]] Result<JobDetail> decode_job_detail(std::string_view json);

// A command that ended otherwise than `done` on a unit, and why.
struct FailureRow {
  MessageId job;
  MessageId command;
  std::string unit;
  CommandState state;
  std::optional<Timestamp> at;  // of its end, the station's clock
  std::string code;
  std::string message;
  std::string result;  // JSON object as text, its short fields only; empty for none
  std::string subject;
  std::string summary;
  std::string by;
  Timestamp created;
  std::optional<Timestamp> expires;

  bool operator==(const FailureRow&) const = default;
};

std::string encode(const FailureRow& row);
[[nodiscard]] Result<FailureRow> decode_failure_row(std::string_view json);

// A change of the fleet's state that the station recorded.
struct HistoryRow {
  std::int64_t number = 0;
  Timestamp at;
  std::string unit;
  std::string what;  // "state", "command", "handler", "conflict", "station"
  std::string text;  // for people: "up -> late (silence)"

  bool operator==(const HistoryRow&) const = default;
};

std::string encode(const HistoryRow& row);
[[nodiscard]] Result<HistoryRow> decode_history_row(std::string_view json);

struct QueryRequest {
  std::vector<std::string> units;   // names; empty: all
  std::string target;               // units, facts: a Selector; those that it means
  std::vector<std::string> states;  // units: words of UnitState; empty: all
  std::string job;                  // job
  std::string command;              // job: by one command's id instead; command: its id
  bool open_only = false;           // jobs
  bool failed_only = false;         // jobs
  std::vector<std::string> keys;    // facts: paths, or the beginning of some; empty: all
  std::int64_t after = 0;           // history: rows with a greater number
  std::int64_t limit = 1000;

  bool operator==(const QueryRequest&) const = default;
};

std::string encode(const QueryRequest& request);
[[nodiscard]] Result<QueryRequest> decode_query_request(std::string_view payload);

// One chunk of the answer: rows as JSON text; `last` on the final one; or an error.
struct QueryChunk {
  std::vector<std::string> rows;
  bool last = false;
  std::optional<Error> error;
};

std::string encode(const QueryChunk& chunk);
[[nodiscard]] Result<QueryChunk> decode_query_chunk(std::string_view payload);

}  // namespace steward::wire
