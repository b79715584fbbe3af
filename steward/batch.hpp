#pragma once

#include "subjects/bus/stream_position.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/alert.hpp"
#include "subjects/wire/daemon.hpp"
#include "subjects/wire/facts.hpp"
#include "subjects/wire/group.hpp"
#include "subjects/wire/headers.hpp"
#include "subjects/wire/query.hpp"
#include "subjects/wire/reboot_lease.hpp"
#include "subjects/wire/rollout.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace steward::station {

// A command as the station keeps it. One of which only ACKs were seen so far has neither payload
// nor sender.
struct CommandRecord {
  wire::MessageId id;
  wire::MessageId job;
  std::string subject;
  std::string summary;
  std::string by;       // ce-source
  std::string payload;  // without the values of its secrets
  wire::Timestamp created;
  std::optional<wire::Timestamp> expires;
  std::optional<wire::MessageId> repeats = std::nullopt;  // one that it sends again under a new id
  bool is_held = false;  // kept until its turn in a rollout: not on the bus yet

  bool operator==(const CommandRecord&) const = default;
};

// Who says that a command has reached its state.
enum class SaidBy { unit, station };

// One unit's command has reached a state.
struct StepRecord {
  wire::MessageId command;
  std::string unit;
  wire::CommandState state;
  wire::Timestamp at;
  SaidBy said_by = SaidBy::unit;
  std::string code;
  std::string message;
  std::string result;  // JSON object as text; empty for none
};

// A command as it came, to be sent again to units that have not said a word about it. The only
// place where the values of its secrets stand.
struct UndeliveredCommand {
  wire::MessageId id;
  std::uint64_t order = 0;  // greater than that of each command before it
  std::optional<wire::Timestamp> expires;
  std::string subject;
  wire::Headers headers;
  std::string payload;

  bool operator==(const UndeliveredCommand&) const = default;
};

// How many more (or fewer) commands of a job or a unit are in which state.
struct CountsChange {
  std::int64_t units = 0;  // jobs only: how many commands for units it has gained
  wire::CommandCounts commands;
};

// All events of that unit's outbox up to that number are folded.
struct ReceivedRecord {
  std::string unit;
  wire::MessageId epoch;
  std::uint64_t upto = 0;

  bool operator==(const ReceivedRecord&) const = default;
};

// What a unit is.
struct FactsRecord {
  std::string hash;
  wire::Facts facts;
  wire::Timestamp at;  // when it was told
};

// One alert of all.
struct AlertKey {
  std::string unit;
  std::string source;
  std::string rule;
  std::string series;

  auto operator<=>(const AlertKey&) const = default;
};

// One daemon of all.
struct DaemonKey {
  std::string unit;
  std::string domain;
  std::string name;

  auto operator<=>(const DaemonKey&) const = default;
};

// A rollout as it stands, and while its commands come the payload that they share.
struct RolloutRecord {
  wire::RolloutRow row;
  std::optional<std::string> payload = std::nullopt;  // none: as it is
};

// A command of a rollout, as it was handed over.
struct RolloutUnitRecord {
  wire::MessageId rollout;
  std::size_t number = 0;
  std::string unit;
  wire::MessageId command;
  wire::Headers headers;
};

// It is released, and how (the number of a Release).
struct RolloutReleaseRecord {
  wire::MessageId rollout;
  std::size_t number = 0;
  wire::Timestamp at;
  int how = 0;
};

// What folding has changed since the last commit, in the order of its happening: the store writes
// it in one transaction or not at all.
struct Batch {
  std::map<std::string, wire::UnitRow> units;
  std::vector<CommandRecord> commands;
  std::vector<StepRecord> steps;
  std::map<wire::MessageId, UndeliveredCommand> undelivered;
  std::set<wire::MessageId> delivered;  // every unit has said a word: its bytes are not needed
  std::vector<std::pair<wire::MessageId, std::string>> withheld;  // not to be sent to that unit
  std::map<std::string, CountsChange> unit_counts;
  std::map<wire::MessageId, CountsChange> job_counts;
  std::vector<wire::HistoryRow> history;  // their numbers are the store's to give
  std::map<std::pair<std::string, wire::MessageId>, std::uint64_t> received;
  std::set<std::pair<std::string, wire::MessageId>> forgotten;  // outboxes that hold no more events
  std::map<std::string, FactsRecord> facts;
  std::map<AlertKey, std::optional<wire::AlertRow>> alerts;  // none, here and below: it is no more
  std::map<DaemonKey, std::optional<wire::UnitDaemon>> daemons;
  std::map<std::pair<std::string, std::string>, std::optional<wire::RebootLease>>
      leases;                                                       // by unit and domain
  std::map<std::string, std::optional<wire::SilenceRow>> silences;  // by id
  std::map<std::string, std::optional<wire::GroupRow>> groups;      // by name
  std::map<wire::MessageId, std::optional<RolloutRecord>> rollouts;
  std::vector<RolloutUnitRecord> rollout_units;
  std::vector<RolloutReleaseRecord> releases;
  std::set<wire::MessageId> rollouts_ended;              // their commands are not needed any more
  std::map<std::string, bus::StreamPosition> positions;  // by stream: its last message in here
  std::size_t bytes = 0;                                 // of payloads and results, about

  bool empty() const {
    return units.empty() && commands.empty() && steps.empty() && history.empty() &&
           received.empty() && forgotten.empty() && withheld.empty() && facts.empty() &&
           alerts.empty() && daemons.empty() && leases.empty() && silences.empty() &&
           groups.empty() && rollouts.empty() && rollout_units.empty() && releases.empty() &&
           rollouts_ended.empty() && positions.empty();
  }
};

}  // namespace steward::station
