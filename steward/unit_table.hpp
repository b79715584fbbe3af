#pragma once

#include "steward/batch.hpp"
#include "steward/moment.hpp"
#include "subjects/wire/hello.hpp"
#include "subjects/wire/names.hpp"
#include "subjects/wire/query.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace steward::station {

// The live state table: one row per unit, folded from what units say and from their silence.
//
//   up        heard of within 1.5 of its intervals
//   late      not heard of for 1.5 intervals
//   down      not heard of for 3 intervals, or it said bye
//   never     known, not seen yet
//   conflict  two sessions speak under one name: a session that another had superseded was heard
//             again. Over once one of them has said bye or nothing for 3 intervals.
//
// A state machine: time is passed in and nothing is done by itself. One thread. Each step costs the
// logarithm of the number of units; a tick looks only at those whose deadline has come.
class UnitTable {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // More names than that are not taken: whoever can publish could otherwise fill the memory.
  static constexpr std::size_t kMostUnits = 200'000;

  enum class Taken { yes, full };

  // Takes a row of an earlier run. Its unit has the usual time, from now, to be heard of.
  void restore(wire::UnitRow row, Moment now);

  // Makes a unit known that has not been seen.
  Taken expect(const wire::NodeName& unit, Moment now);

  // A unit said hello (or bye).
  Taken hello(const wire::NodeName& unit, const wire::Hello& hello, Moment now);

  // A unit said something else that is a sign of its life. Wakes no unit that has said bye.
  Taken heard(const wire::NodeName& unit, Moment now);

  // Judges the silence of those whose deadline has come.
  void tick(Moment now);

  // When tick() will next have something to judge.
  std::optional<Steady> next_deadline() const;

  // Gives out the changes of state since the last call, with the rows that they changed.
  void take_changes(Batch& batch);

  // Gives out the rows in which only the age has changed, which need not be kept at once.
  void take_ages(Batch& batch);

  // The units that have come back since the last call: heard again after a silence, under a new
  // session, or over a new connection.
  std::vector<std::string> take_returned() { return std::exchange(returned_, {}); }

  // As far as is known, the unit hears what is published now.
  bool is_there(std::string_view unit) const;

  const wire::UnitRow* find(std::string_view unit) const;
  std::vector<std::string> names() const;  // sorted
  void visit(const std::function<void(const wire::UnitRow&)>& see) const;

  std::size_t size() const { return units_.size(); }

  std::map<wire::UnitState, std::int64_t> counts() const;

 private:
  struct Session {
    std::string id;
    Steady heard;
  };

  struct Unit {
    wire::UnitRow row;
    Steady heard;                     // last sign of life of the current session (row.hello)
    std::vector<Session> superseded;  // the latest last, few
    std::optional<Session> other;     // while in conflict
    std::optional<Steady> scheduled;  // its place in deadlines_
  };

  Unit* find_or_add(const wire::NodeName& unit, Moment now);
  void bye(Unit& unit, const wire::Hello& hello, Moment now);
  void fold_session(Unit& unit, const std::string& session, Moment now);
  void fold_handlers(Unit& unit, const wire::Hello& hello, Moment now);
  void judge(Unit& unit, Moment now);
  void judge_conflict(Unit& unit, Moment now);
  void end_conflict(Unit& unit, std::string_view why, Moment now);
  void set_state(Unit& unit, wire::UnitState state, std::string_view source, Moment now);
  void note(const Unit& unit, std::string_view what, std::string text, Moment now);
  std::optional<Steady> deadline(const Unit& unit) const;
  void schedule(Unit& unit);

  std::map<std::string, Unit, std::less<>> units_;
  std::set<std::pair<Steady, Unit*>> deadlines_;  // one entry at most per unit, never too late
  std::vector<wire::HistoryRow> changes_;
  std::set<std::string> changed_;
  std::set<std::string> aged_;
  std::vector<std::string> returned_;
};

}  // namespace steward::station
