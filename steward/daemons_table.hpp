#pragma once

#include "steward/batch.hpp"
#include "steward/moment.hpp"
#include "subjects/wire/daemon.hpp"
#include "subjects/wire/envelope.hpp"

#include <map>
#include <string>
#include <vector>

namespace steward::station {

// The daemons of all units, each as its unit has told it last. A state machine: time is passed in.
// One thread.
class DaemonsTable {
 public:
  void restore(wire::UnitDaemon daemon);

  // Takes <unit>.event.daemon.<domain>, into the batch. What comes behind a later event of the same
  // outbox changes nothing that the later one has told of.
  void take(const std::string& unit,
            const std::string& domain,
            const wire::Position& position,
            const wire::DaemonEvent& event,
            Moment now,
            Batch& batch);

  // Of those units, which are in order; by unit, domain and name.
  std::vector<wire::UnitDaemon> rows(const std::vector<std::string>& units) const;

 private:
  void put(const DaemonKey& key,
           const wire::Position& position,
           const wire::DaemonRow& row,
           Moment now,
           Batch& batch);
  void drop_others(const std::string& unit,
                   const std::string& domain,
                   const wire::Position& position,
                   const wire::DaemonEvent& all,
                   Batch& batch);
  bool is_late(const DaemonKey& key, const wire::Position& position) const;
  bool is_known(const std::string& unit,
                const std::string& domain,
                const wire::DaemonEvent& event) const;

  std::map<DaemonKey, wire::UnitDaemon> daemons_;
};

}  // namespace steward::station
