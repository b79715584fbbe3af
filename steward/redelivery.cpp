#include "steward/redelivery.hpp"

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using std::chrono::milliseconds;

// With the pace used up, so much of it is waited for.
constexpr milliseconds kBreath{10};

// Every so many rounds without a word all go out: one that is never answered holds up no other.
constexpr int kFullRoundEach = 4;

}  // namespace

Redelivery::Redelivery(Settings settings, Surroundings surroundings)
    : settings_(settings), surroundings_(std::move(surroundings)), tokens_(settings.burst) {}

Redelivery::Unit& Redelivery::add(const Command& command, const std::string& name, Steady sent) {
  auto& unit = units_[name];
  unit.name = name;
  if (unit.waiting.emplace(command.order, Sent{sent}).second) {
    orders_.emplace(command.id, command.order);
    auto& known = commands_.emplace(command.order, Known{command, 0}).first->second;
    ++known.units;
    ++size_;
  }
  return unit;
}

void Redelivery::published(const Command& command, const std::string& name, Moment now) {
  auto& unit = add(command, name, now.steady);
  const bool alone = unit.waiting.size() == 1;
  if (unit.waiting.upper_bound(command.order) == unit.waiting.end() &&
      unit.waiting.lower_bound(unit.next)->first == command.order) {
    // Nothing before it is still to go out in this round: its publishing was its turn.
    unit.next = command.order + 1;
    fly(unit, unit.waiting.at(command.order), command);
  }
  if (alone || surroundings_.is_there(name)) {
    unit.backoff = settings_.first;
    const auto soon = now.steady + jittered(settings_.first);
    schedule(unit, alone ? soon : std::min(unit.due, soon));
  }
}

void Redelivery::restore(const Command& command, const std::string& name, Moment now) {
  auto& unit = add(command, name, now.steady - settings_.longest);
  unit.backoff = settings_.first;
  if (unit.waiting.size() == 1) {
    schedule(unit, now.steady + jittered(settings_.first));
  }
}

void Redelivery::answered(const wire::MessageId& id, const std::string& name, Moment now) {
  const auto order = orders_.find(id);
  const auto at = units_.find(name);
  if (order == orders_.end() || at == units_.end()) {
    return;
  }
  auto& unit = at->second;
  unit.silent_rounds = 0;
  const auto place = order->second;
  const auto sent = unit.waiting.find(place);
  if (sent == unit.waiting.end()) {
    return;
  }
  const auto known = commands_.find(place);
  if (sent->second.in_flight) {
    --unit.in_flight;
    unit.in_flight_bytes -= known->second.command.bytes;
  }
  unit.waiting.erase(sent);
  --size_;
  if (--known->second.units == 0) {
    commands_.erase(known);
    orders_.erase(order);
  }
  if (unit.waiting.empty()) {
    forget_if_empty(unit);
    return;
  }
  if (unit.backoff > settings_.first) {
    unit.backoff = settings_.first;
    schedule(unit, std::min(unit.due, now.steady + jittered(settings_.first)));
  }
  if (has_more(unit) && has_room(unit)) {
    enqueue(unit);
  }
}

void Redelivery::returned(const std::string& name, Moment now) {
  const auto at = units_.find(name);
  if (at == units_.end()) {
    return;
  }
  auto& unit = at->second;
  unit.backoff = settings_.first;
  unit.sent_before.reset();
  unit.silent_rounds = 0;
  begin_round(unit, now);
}

void Redelivery::again(Moment now) {
  for (auto& [name, unit] : units_) {
    if (unit.waiting.empty()) {
      continue;
    }
    unit.backoff = settings_.first;
    for (auto& [order, sent] : unit.waiting) {
      sent.at = now.steady - settings_.longest;
    }
    const auto part =
        std::chrono::duration<double, std::milli>(settings_.first) * surroundings_.chance();
    schedule(unit, now.steady + std::chrono::duration_cast<milliseconds>(part));
  }
}

void Redelivery::begin_round(Unit& unit, Moment now) {
  const auto had_turn = unit.waiting.lower_bound(unit.next);
  for (auto at = unit.waiting.begin(); at != had_turn; ++at) {
    at->second.in_flight = false;
  }
  unit.next = 0;
  unit.in_flight = 0;
  unit.in_flight_bytes = 0;
  schedule(unit, now.steady + jittered(unit.backoff));
  unit.backoff = std::min(unit.backoff * 2, settings_.longest);
  enqueue(unit);
}

void Redelivery::schedule(Unit& unit, Steady due) {
  if (unit.scheduled) {
    deadlines_.erase({*unit.scheduled, &unit});
  }
  unit.due = due;
  unit.scheduled = due;
  deadlines_.insert({due, &unit});
}

void Redelivery::enqueue(Unit& unit) {
  if (!std::exchange(unit.queued, true)) {
    ready_.push_back(&unit);
  }
}

void Redelivery::begin_rounds(Moment now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.steady) {
    auto& unit = *deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    unit.scheduled.reset();
    // What went out a moment ago may well be on its way to be answered: its own time is waited for.
    const auto patience = settings_.first * 3 / 4;
    const auto first_sent = unit.waiting.begin()->second.at;
    if (first_sent + patience > now.steady) {
      schedule(unit, first_sent + jittered(settings_.first));
      continue;
    }
    unit.sent_before = now.steady - patience;
    ++unit.silent_rounds;
    begin_round(unit, now);
  }
}

void Redelivery::fly(Unit& unit, Sent& sent, const Command& command) {
  sent.in_flight = true;
  ++unit.in_flight;
  unit.in_flight_bytes += command.bytes;
}

bool Redelivery::has_more(const Unit& unit) const {
  return unit.waiting.lower_bound(unit.next) != unit.waiting.end();
}

// The first round of silence is a full one, and every so many after it.
bool Redelivery::is_probed(const Unit& unit) {
  return unit.silent_rounds > 0 && unit.silent_rounds % kFullRoundEach != 1;
}

bool Redelivery::has_room(const Unit& unit) const {
  if (is_probed(unit) || !surroundings_.is_there(unit.name)) {
    return unit.in_flight < 1;
  }
  return unit.in_flight < settings_.window &&
         (unit.in_flight == 0 || unit.in_flight_bytes < settings_.window_bytes);
}

void Redelivery::take_turn(Unit& unit, Moment now, std::vector<Send>& out) {
  for (std::size_t sent = 0; sent < settings_.turn && tokens_ > 0 && has_room(unit);) {
    const auto at = unit.waiting.lower_bound(unit.next);
    if (at == unit.waiting.end()) {
      return;
    }
    const auto& command = commands_.at(at->first).command;
    unit.next = at->first + 1;
    if (command.expires && *command.expires <= now.wall) {
      continue;
    }
    fly(unit, at->second, command);
    if (unit.sent_before && at->second.at > *unit.sent_before) {
      continue;
    }
    at->second.at = now.steady;
    const auto tokens = 1 + command.bytes / settings_.bytes_a_token;
    tokens_ -= static_cast<double>(tokens);
    out.push_back({command.id, unit.name});
    ++sent;
  }
}

std::vector<Redelivery::Send> Redelivery::due(Moment now) {
  refill(now);
  begin_rounds(now);
  std::vector<Send> out;
  while (!ready_.empty() && tokens_ > 0) {
    auto& unit = *ready_.front();
    ready_.pop_front();
    unit.queued = false;
    take_turn(unit, now, out);
    if (unit.waiting.empty()) {
      forget_if_empty(unit);
    } else if (has_more(unit) && has_room(unit)) {
      enqueue(unit);
    }
  }
  return out;
}

void Redelivery::refill(Moment now) {
  if (refilled_) {
    const std::chrono::duration<double> passed = now.steady - *refilled_;
    tokens_ = std::min(settings_.burst, tokens_ + passed.count() * settings_.per_second);
  }
  refilled_ = now.steady;
}

std::optional<Redelivery::Steady> Redelivery::next_due(Moment now) const {
  if (!ready_.empty()) {
    return tokens_ > 0 ? now.steady : now.steady + kBreath;
  }
  return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

milliseconds Redelivery::jittered(milliseconds delay) const {
  const double part = 0.8 + 0.4 * surroundings_.chance();
  return std::chrono::duration_cast<milliseconds>(std::chrono::duration<double, std::milli>(delay) *
                                                  part);
}

// One that is in the queue is forgotten when its turn comes.
void Redelivery::forget_if_empty(Unit& unit) {
  if (unit.scheduled) {
    deadlines_.erase({*unit.scheduled, &unit});
    unit.scheduled.reset();
  }
  if (!unit.queued) {
    const std::string name = unit.name;
    units_.erase(name);
  }
}

}  // namespace steward::station
