#pragma once

#include "subjects/bus/message.hpp"
#include "subjects/wire/ack.hpp"
#include "subjects/wire/envelope.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::simulation {

// What has to happen at least once over all seeds: a fault that never strikes proves nothing.
inline constexpr std::array kSometimes{
    std::string_view("broker crashed"),
    std::string_view("broker lost its tail"),
    std::string_view("broker forgot everything"),
    std::string_view("link cut both ways"),
    std::string_view("link cut to the broker"),
    std::string_view("link cut from the broker"),
    std::string_view("delivery lost"),
    std::string_view("delivery twice"),
    std::string_view("unit crashed"),
    std::string_view("unit crashed before a commit"),
    std::string_view("unit crashed after a commit"),
    std::string_view("unit crashed in an effect"),
    std::string_view("unit stopped in order"),
    std::string_view("unit lost its disk"),
    std::string_view("unit's disk was full"),
    std::string_view("unit's disk failed"),
    std::string_view("unit's clock stepped"),
    std::string_view("station crashed"),
    std::string_view("station's disk failed"),
    std::string_view("station's database was deleted"),
    std::string_view("station's clock stepped"),
    std::string_view("station followed from the first again"),
    std::string_view("copy answered with the recorded ACK"),
    std::string_view("interrupted"),
    std::string_view("ran again, repeatable"),
    std::string_view("cancelled"),
    std::string_view("cancelled ahead"),
    std::string_view("cancelled by the station's presumption"),
    std::string_view("expired by the unit"),
    std::string_view("expired by the station's presumption"),
    std::string_view("refused for its disk"),
    std::string_view("forgotten"),
    std::string_view("resend asked for a gap"),
    std::string_view("recall asked"),
    std::string_view("redelivered by backoff"),
    std::string_view("redelivered on return"),
    std::string_view("broadcast delivered singly"),
};

// Sees all that the story does to the outside and what is said of it, and judges it by the
// promises: each broken one is a sentence.
class Judge {
 public:
  void happened(std::string_view what) {
    ++counts_.at(index_of(what));
    tell(what);
  }

  // Where STEWARD_TRACE is set in the environment, for whoever looks into a seed.
  void tell(std::string_view what) const;

  // The clock of what is told.
  void set_clock(std::function<std::chrono::milliseconds()> clock) { clock_ = std::move(clock); }

  const std::array<std::uint64_t, kSometimes.size()>& counts() const { return counts_; }

  void broken(std::string what);

  const std::vector<std::string>& verdicts() const { return broken_; }

  // A unit's disk was replaced: what it knew is nobody's promise any more.
  void disk_lost(const std::string& unit) { lost_disks_.insert(unit); }

  bool has_lost_disk(const std::string& unit) const { return lost_disks_.contains(unit); }

  // An effect of a command, outside of all.
  struct Effect {
    std::string unit;
    wire::MessageId command;
    bool repeatable;
    bool journalled;  // it stands as started on the unit's disk
  };

  void effect(const Effect& effect);
  int effects(const std::string& unit, const wire::MessageId& command) const;

  // Commands whose effects a unit has had, in their order.
  const std::vector<wire::MessageId>& order(const std::string& unit) { return order_[unit]; }

  // A unit publishes a recorded event. `kept`: it stands on its disk.
  void published(const std::string& unit, const bus::Message& message, bool kept);

  // The station has committed a step of a unit's command.
  void committed(const std::string& unit,
                 const wire::MessageId& command,
                 wire::CommandState state,
                 bool by_unit);

  // Its database is gone: it learns all anew.
  void station_lost() { terminal_.clear(); }

 private:
  using OnUnit = std::pair<std::string, wire::MessageId>;

  static std::size_t index_of(std::string_view what);

  std::function<std::chrono::milliseconds()> clock_;
  std::array<std::uint64_t, kSometimes.size()> counts_{};
  std::vector<std::string> broken_;
  std::set<std::string> lost_disks_;
  std::map<OnUnit, int> effects_;
  std::map<std::string, std::vector<wire::MessageId>> order_;
  std::map<std::string, std::string> by_position_;                       // ce-id of each place
  std::map<OnUnit, std::pair<std::string, std::string>> terminal_said_;  // place and state

  struct Terminal {
    int by_unit = 0;
    int by_station = 0;
  };

  std::map<OnUnit, Terminal> terminal_;
};

}  // namespace steward::simulation
