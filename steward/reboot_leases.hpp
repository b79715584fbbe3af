#pragma once

#include "steward/batch.hpp"
#include "steward/moment.hpp"
#include "subjects/wire/envelope.hpp"
#include "subjects/wire/osupdate.hpp"
#include "subjects/wire/reboot_lease.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::station {

// Who waits for a lease for its reboot, and who has one: so many of the fleet at once, who waits
// longest first. What units and the stream of commands tell is the same for each station of a name;
// only the one that acts grants. Time is passed in. One thread.
class RebootLeases {
 public:
  struct Settings {
    std::size_t at_once = 1;                   // 0: nobody is granted one
    std::chrono::milliseconds ttl{1'800'000};  // of a lease
  };

  // The source of its alerts, in the place of a method.
  static constexpr std::string_view kSource = "reboot";

  explicit RebootLeases(Settings settings) : settings_(settings) {}

  void restore(wire::RebootLease lease);

  // Takes what a unit tells of a run, into the batch. What comes behind a later event of the same
  // outbox changes nothing.
  void take(const std::string& unit,
            const std::string& domain,
            const wire::Position& position,
            const wire::UpdateEvent& event,
            Moment now,
            Batch& batch);

  // A grant of this station's name was seen on the stream of commands.
  void granted(const std::string& unit,
               const std::string& domain,
               const std::string& run,
               const wire::MessageId& grant,
               Moment now,
               Batch& batch);

  // A unit's terminal word about a command: a grant, or the run itself.
  void answered(const std::string& unit, const wire::Ack& ack, Moment now, Batch& batch);

  using IsThere = std::function<bool(std::string_view unit)>;
  using NewId = std::function<wire::MessageId()>;

  // Ends leases that have run out; where the station acts, grants what is free to units that are
  // there. Without `is_there` it does not act.
  void judge(Moment now, const IsThere& is_there, const NewId& new_id, Batch& batch);

  // The batch is on disk.
  void settle();

  // A grant to be published.
  struct Due {
    wire::MessageId grant;
    std::string unit;
    std::string domain;
    std::string run;
    wire::Timestamp expires;  // of the command: what is left of the lease then is the reboot's
  };

  // What to publish now. Each comes again until it was seen.
  std::vector<Due> due(Moment now);

  // Units whose leases have changed since the last call.
  std::set<std::string> take_touched() { return std::exchange(touched_, {}); }

  std::vector<wire::Alert> alerts_of(const std::string& unit) const;

  // Of those units, which are in order.
  std::vector<wire::RebootLease> rows(const std::vector<std::string>& units) const;

  std::size_t count(wire::LeaseState state) const;

  bool empty() const { return leases_.empty(); }

 private:
  using Key = std::pair<std::string, std::string>;  // unit, domain

  struct Flight {
    Key key;
    std::optional<std::chrono::steady_clock::time_point> sent = std::nullopt;
  };

  void put(const wire::RebootLease& lease, Batch& batch);
  void erase(const Key& key, Batch& batch);
  void forget(const std::string& id);
  void wait(wire::RebootLease& lease, Moment now);
  void end_overdue(Moment now, const IsThere& is_there, Batch& batch);
  void grant(wire::RebootLease lease, const wire::MessageId& id, Moment now, Batch& batch);

  const Settings settings_;
  std::map<Key, wire::RebootLease> leases_;
  std::map<std::string, Flight> flights_;  // by grant: on disk, not seen
  std::map<std::string, Flight> fresh_;    // not on disk yet
  std::set<std::string> touched_;
  std::set<std::string> over_;  // runs and grants: of them no more is to be read
  std::deque<std::string> over_in_order_;
};

}  // namespace steward::station
