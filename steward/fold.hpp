#pragma once

#include "steward/alerts_table.hpp"
#include "steward/batch.hpp"
#include "steward/command_tracker.hpp"
#include "steward/daemons_table.hpp"
#include "steward/facts_table.hpp"
#include "steward/groups_table.hpp"
#include "steward/moment.hpp"
#include "steward/reboot_leases.hpp"
#include "steward/recall.hpp"
#include "steward/received_table.hpp"
#include "steward/rollouts_table.hpp"
#include "steward/store.hpp"
#include "steward/unit_table.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/message.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::station {

// The way of a message into the state: opens it, and folds it into the table of units, the tracker
// of commands and the table of what was received. What that changes collects in a batch, to be
// committed. No I/O but the look-up of a command that the tracker no longer keeps. One thread.
class Fold {
 public:
  struct Links {
    // A command from the store; none where it is not known.
    std::function<std::optional<TrackedCommand>(const wire::MessageId&)> find_command;
    // A unit's facts from the store; none where it has none.
    FactsTable::Find find_facts;
    // Says that something on the bus is not as it should be.
    std::function<void(std::string_view)> complain;
  };

  struct Counts {
    std::uint64_t folded = 0;
    std::uint64_t malformed = 0;
    std::uint64_t repeated = 0;  // recorded events that the station had already
    std::uint64_t refused = 0;   // no room: too much waits for the disk, or too many units
  };

  // What may wait for a disk that does not take it.
  struct Bounds {
    std::size_t rows = 100'000;  // of each kind
    std::size_t bytes = 64 * 1024 * 1024;
  };

  Fold(wire::NodeName own,
       const bus::Channel& channel,
       Links links,
       Bounds bounds,
       RebootLeases::Settings reboots = {});

  // Takes what an earlier run has left.
  void restore(Store::Kept kept, Moment now);

  // Takes a message that is not of a stream: a hello.
  void take(bus::Message&& message, Moment now);

  // Whether a message tells that its unit is alive now. One that was read late does not.
  enum class Life { sign, old };

  // Takes the next message of a stream: its time is the stream's. Only while there is room: what is
  // not taken here would not come again.
  void take_followed(bus::Message&& message,
                     std::string_view stream,
                     const bus::StreamPosition& position,
                     Life life,
                     Moment now);

  void judge_silence(Moment now) {
    units_.tick(now);
    alerts_.tick(now, batch_);
  }

  // Raises alerts about logins and authorities of units whose end is near.
  void judge_identities(Moment now);

  // Only where all that the streams hold is known: an ACK may be among it.
  void judge_expiries(Moment now) {
    commands_.tick(now, batch_);
    rollouts_.follow(batch_);
  }

  enum class Acting { yes, no };

  // Releases what is due of rollouts, where this station acts.
  void judge_rollouts(Acting acting, Moment now);

  // Commands of rollouts to be published, released and committed.
  std::vector<RolloutsTable::Due> due_releases(Moment now) { return rollouts_.due(now); }

  // Ends leases of reboots that have run out, raises alerts about them, and grants what is free
  // where this station acts.
  void judge_leases(Acting acting, Moment now);

  // Grants to be published, committed.
  std::vector<RebootLeases::Due> due_grants(Moment now) { return leases_.due(now); }

  // Notes something about the station itself for the history.
  void note(std::string text, Moment now);

  // All changes since the last settle(), not committed yet.
  const Batch& batch();

  // The rows in which only the age has changed go into the batch too.
  void take_ages() { units_.take_ages(batch_); }

  // The batch is committed: begins the next one.
  void settle();

  // More is not taken until a commit succeeds: so much waits already.
  bool full() const;

  // What units have said of themselves since the last call: the hellos, and who has come back.
  std::vector<Recall::Hello> take_hellos() { return std::exchange(hellos_, {}); }

  std::vector<std::string> take_returned() { return units_.take_returned(); }

  // What of an outbox is to be sent again.
  std::vector<ReceivedTable::Resend> resends(Moment now) { return received_.due(now); }

  // Units to be asked for all of their facts.
  std::vector<std::string> lacking_facts(Moment now, std::size_t most) {
    return facts_.lacking(now, most);
  }

  const UnitTable& units() const { return units_; }

  const AlertsTable& alerts() const { return alerts_; }

  const DaemonsTable& daemons() const { return daemons_; }

  const RebootLeases& leases() const { return leases_; }

  const GroupsTable& groups() const { return groups_; }

  const RolloutsTable& rollouts() const { return rollouts_; }

  const CommandTracker& commands() const { return commands_; }

  const Counts& counts() const { return counts_; }

 private:
  void take_command(const bus::Opened& opened, wire::Headers&& headers, Moment now);
  void take_own(const bus::Opened& opened, Moment now);
  Result<void> carry_out(const bus::Opened& opened, Moment now);
  Result<void> take_rollout(const bus::Opened& opened, Moment now);
  Result<void> take_rollout_units(const wire::RolloutUnits& units,
                                  const std::string& by,
                                  Moment now);
  void take_event(const bus::Opened& opened, Moment now);
  void take_hello(const bus::Opened& opened, Moment now);
  void take_facts(const bus::Opened& opened, Moment now);
  void take_alert(const bus::Opened& opened, Moment now);
  void take_daemons(const bus::Opened& opened, Moment now);
  void take_updates(const bus::Opened& opened, Moment now);
  void see_grant(const bus::Opened& opened, Moment now);
  void take_recorded(const bus::Opened& opened, Moment now);
  UnitTable::Taken heard(const wire::NodeName& unit, Moment now);
  void take_ack(const bus::Opened& opened, Moment now);
  void malformed(std::string_view subject, const Error& error);
  void refuse(std::string_view why);

  const wire::NodeName own_;
  const bus::Channel& channel_;
  const Links links_;
  const Bounds bounds_;
  UnitTable units_;
  CommandTracker commands_;
  ReceivedTable received_;
  FactsTable facts_;
  AlertsTable alerts_;
  DaemonsTable daemons_;
  RebootLeases leases_;
  GroupsTable groups_;
  RolloutsTable rollouts_;
  std::vector<Recall::Hello> hellos_;
  std::uint64_t next_order_ = 1;  // of a command among all
  Life life_ = Life::sign;        // of the message that is taken now
  Batch batch_;
  Counts counts_;
};

}  // namespace steward::station
