#pragma once

#include "steward/batch.hpp"
#include "steward/metrics/fleet_view.hpp"
#include "steward/moment.hpp"
#include "subjects/wire/alert.hpp"
#include "subjects/wire/envelope.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace steward::station {

// The alerts that are open on all units, by their own word, and what operators have said about
// them: seen, or not to be told for a time. A state machine: time is passed in. One thread.
class AlertsTable {
 public:
  // Of one unit: more are not taken.
  static constexpr std::size_t kMostOfUnit = 1'024;

  void restore(wire::AlertRow row);
  void restore(wire::SilenceRow row);

  // Takes <unit>.event.alert.<source>, into the batch. An event that comes behind a later one of
  // the same outbox changes nothing that the later one has told of. False where there is no room.
  bool take(const std::string& unit,
            const std::string& source,
            const wire::Position& position,
            const wire::AlertEvent& event,
            Moment now,
            Batch& batch);

  // What the station itself finds wrong with a unit, under a source that no unit speaks of: all of
  // it. One that is open already keeps its beginning.
  void judge(const std::string& unit,
             const std::string& source,
             const std::vector<wire::Alert>& alerts,
             Moment now,
             Batch& batch);

  // What an operator has said, by the command of that id. It is about what was open then.
  void take(const wire::AlertsRequest& request,
            const std::string& id,
            const std::string& by,
            Moment now,
            Batch& batch);

  // Drops silences that are over.
  void tick(Moment now, Batch& batch);

  // Open ones, by unit, source, rule and series; each with the silence that lasts longest.
  std::vector<wire::AlertRow> rows(Moment now) const;

  std::vector<wire::SilenceRow> silences() const;

  // How many are open on each unit that has some.
  std::map<std::string, FleetView::Alerts> counts(Moment now) const;

 private:
  struct Unit {
    std::map<AlertKey, wire::AlertRow> open;
    // Of the present outbox, the place of the last event about each, and of all of a source.
    std::string epoch;
    std::map<AlertKey, std::uint64_t> told;
    std::map<std::string, std::uint64_t> told_all;
  };

  static bool is_late(const Unit& unit, const AlertKey& key, std::uint64_t seq);
  bool put(const AlertKey& key, const wire::Alert& alert, Moment now, Batch& batch);
  void close(const AlertKey& key, const std::string& how, Moment now, Batch& batch);
  bool take_all(const std::string& unit,
                const std::string& source,
                std::uint64_t seq,
                const wire::AlertEvent& event,
                Moment now,
                Batch& batch);

  std::map<std::string, Unit> units_;
  std::map<std::string, wire::SilenceRow> silences_;
};

}  // namespace steward::station
