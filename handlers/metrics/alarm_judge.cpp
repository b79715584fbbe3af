#include "handlers/metrics/alarm_judge.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

namespace steward::handlers::metrics {
namespace {

using wire::AlertEvent;
using wire::AlertRule;

bool is_beyond(const AlertRule& rule, double value, double limit) {
  return rule.when == AlertRule::When::above ? value > limit : value < limit;
}

// The series of that metric with the same labels as `key` has; none where there is none.
std::optional<std::size_t> partner(const std::vector<wire::MetricSeries>& series,
                                   std::string_view key,
                                   std::string_view metric) {
  const auto labels = wire::name_and_labels(key).second;
  const auto at = std::find_if(series.begin(), series.end(), [&](const auto& one) {
    return wire::is_meant(one.key, metric) && wire::name_and_labels(one.key).second == labels;
  });
  return at == series.end() ? std::nullopt
                            : std::optional(static_cast<std::size_t>(at - series.begin()));
}

}  // namespace

void AlarmJudge::restore(std::vector<wire::Alert> open) {
  for (auto& alert : open) {
    const Key key{alert.rule, alert.series};
    open_ += states_[key].open ? 0 : 1;
    states_[key].open = std::move(alert);
  }
}

const AlertRule* AlarmJudge::rule(std::string_view name) const {
  const auto at = std::find_if(
      rules_.begin(), rules_.end(), [name](const auto& rule) { return rule.name == name; });
  return at == rules_.end() ? nullptr : &*at;
}

AlertEvent AlarmJudge::end(State& state, std::string reason) {
  AlertEvent event{AlertEvent::State::resolved, {*state.open}, std::move(reason)};
  state.open.reset();
  state.beyond_since.reset();
  --open_;
  return event;
}

std::vector<AlertEvent> AlarmJudge::use(std::vector<AlertRule> rules) {
  const auto before = std::exchange(rules_, std::move(rules));
  hash_ = 0;
  std::vector<AlertEvent> events;
  for (auto at = states_.begin(); at != states_.end();) {
    State& state = at->second;
    const auto* now = rule(at->first.first);
    const auto same_rule = [now](const AlertRule& old) { return now != nullptr && old == *now; };
    const bool as_it_was =
        now != nullptr && (before.empty() ? state.open && state.open->severity == now->severity &&
                                                state.open->condition == wire::condition_of(*now)
                                          : std::any_of(before.begin(), before.end(), same_rule));
    if (as_it_was) {
      ++at;
      continue;
    }
    if (state.open) {
      events.push_back(
          end(state, now == nullptr ? "the rule was taken away" : "the rule was changed"));
    }
    at = states_.erase(at);
  }
  return events;
}

std::vector<AlertEvent> AlarmJudge::watch(const wire::MetricSchema& schema) {
  series_ = schema.series;
  watches_.clear();
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
    watch_rule(rule);
  }
  std::set<const State*> watched;
  for (const auto& one : watches_) {
    watched.insert(one.state);
  }
  std::vector<AlertEvent> events;
  for (auto at = states_.begin(); at != states_.end();) {
    if (watched.contains(&at->second)) {
      ++at;
      continue;
    }
    if (at->second.open) {
      events.push_back(end(at->second, "it is not measured any more"));
    }
    at = states_.erase(at);
  }
  return events;
}

void AlarmJudge::watch_rule(std::size_t rule) {
  for (std::size_t at = 0; at < series_.size(); ++at) {
    const auto& key = series_[at].key;
    if (!wire::is_meant(key, rules_[rule].metric)) {
      continue;
    }
    std::optional<std::size_t> of;
    if (!rules_[rule].of.empty()) {
      of = partner(series_, key, rules_[rule].of);
      if (!of) {
        continue;
      }
    }
    watches_.push_back({rule, at, of, &states_[{rules_[rule].name, key}]});
  }
}

std::optional<double> AlarmJudge::value_of(const Watch& watch, const Round& round) const {
  const auto number = round.numbers[watch.series];
  if (number == wire::kAbsent) {
    return std::nullopt;
  }
  double value = series_[watch.series].value(number);
  if (rules_[watch.rule].rate) {
    const auto last = std::exchange(watch.state->last, std::pair(value, round.steady));
    if (!last || value < last->first || round.steady <= last->second) {
      return std::nullopt;  // the first one, or its counter began anew
    }
    value =
        (value - last->first) / std::chrono::duration<double>(round.steady - last->second).count();
  }
  if (watch.of) {
    const auto whole = round.numbers[*watch.of];
    value = whole == wire::kAbsent ? NAN : value / series_[*watch.of].value(whole);
  }
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<AlertEvent> AlarmJudge::judge(const Watch& watch, double value, const Round& round) {
  const AlertRule& rule = rules_[watch.rule];
  State& state = *watch.state;
  if (state.open) {
    state.open->value = value;
    return is_beyond(rule, value, rule.clear) ? std::nullopt : std::optional(end(state, ""));
  }
  if (!is_beyond(rule, value, rule.threshold)) {
    state.beyond_since.reset();
    return std::nullopt;
  }
  state.beyond_since = state.beyond_since.value_or(round.steady);
  if (round.steady - *state.beyond_since < rule.hold) {
    return std::nullopt;
  }
  if (open_ >= wire::kMostAlerts) {
    ++dropped_;
    return std::nullopt;
  }
  ++open_;
  state.open = wire::Alert{rule.name,
                           series_[watch.series].key,
                           rule.severity,
                           wire::condition_of(rule),
                           value,
                           round.wall};
  return AlertEvent{AlertEvent::State::firing, {*state.open}, {}};
}

std::vector<AlertEvent> AlarmJudge::judge(const Round& round) {
  std::vector<AlertEvent> events;
  if (rules_.empty() && states_.empty()) {
    return events;
  }
  if (hash_ != round.hash || series_.size() != round.numbers.size()) {
    events = watch(round.schema());
    hash_ = round.hash;
  }
  for (const auto& one : watches_) {
    if (const auto value = value_of(one, round)) {
      if (auto event = judge(one, *value, round)) {
        events.push_back(*std::move(event));
      }
    }
  }
  return events;
}

std::vector<wire::Alert> AlarmJudge::open() const {
  std::vector<wire::Alert> alerts;
  for (const auto& [key, state] : states_) {
    if (state.open) {
      alerts.push_back(*state.open);
    }
  }
  return alerts;
}

}  // namespace steward::handlers::metrics
