#pragma once

#include "subjects/wire/alert.hpp"
#include "subjects/wire/metrics.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace steward::handlers::metrics {

// Holds what was measured against the rules: which alerts begin and end with a round. Each series
// that a rule means has an alert of its own. One without a value in a round (its collector has
// failed) stays as it is; one that leaves the machine ends. Pure: time is passed in.
class AlarmJudge {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // One round of measuring.
  struct Round {
    std::uint64_t hash;  // of its schema
    std::function<wire::MetricSchema()> schema;
    std::span<const std::int64_t> numbers;
    Steady steady;
    wire::Timestamp wall;
  };

  // Takes over alerts that were open before: of their rules if those are as they were.
  void restore(std::vector<wire::Alert> open);

  // The rules from now on. What is open of rules that have gone or changed ends.
  std::vector<wire::AlertEvent> use(std::vector<wire::AlertRule> rules);

  // What has begun or ended with this round.
  std::vector<wire::AlertEvent> judge(const Round& round);

  // All that are open, with the values of the last round.
  std::vector<wire::Alert> open() const;

  const std::vector<wire::AlertRule>& rules() const { return rules_; }

  // Null where there is none of that name.
  const wire::AlertRule* rule(std::string_view name) const;

  // Alerts that did not begin, since so many are open, in all.
  std::uint64_t dropped() const { return dropped_; }

 private:
  using Key = std::pair<std::string, std::string>;  // rule, series

  struct State {
    std::optional<Steady> beyond_since;
    std::optional<wire::Alert> open;
    std::optional<std::pair<double, Steady>> last;  // for the growth per second
  };

  // A series that a rule means.
  struct Watch {
    std::size_t rule;
    std::size_t series;
    std::optional<std::size_t> of;
    State* state;
  };

  std::vector<wire::AlertEvent> watch(const wire::MetricSchema& schema);
  void watch_rule(std::size_t rule);
  std::optional<double> value_of(const Watch& watch, const Round& round) const;
  std::optional<wire::AlertEvent> judge(const Watch& watch, double value, const Round& round);
  wire::AlertEvent end(State& state, std::string reason);

  std::vector<wire::AlertRule> rules_;
  std::map<Key, State> states_;
  std::vector<Watch> watches_;
  std::vector<wire::MetricSeries> series_;  // of the last schema
  std::uint64_t hash_ = 0;                  // of that; 0: to be looked at anew
  std::size_t open_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace steward::handlers::metrics
