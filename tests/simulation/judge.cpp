#include "tests/simulation/judge.hpp"

#include "subjects/wire/subject.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

namespace steward::simulation {

std::size_t Judge::index_of(std::string_view what) {
  const auto at = std::find(kSometimes.begin(), kSometimes.end(), what);
  if (at == kSometimes.end()) {
    throw std::logic_error("not in kSometimes: " + std::string(what));
  }
  return static_cast<std::size_t>(at - kSometimes.begin());
}

void Judge::tell(std::string_view what) const {
  static const bool wanted = std::getenv("STEWARD_TRACE") != nullptr;
  if (wanted) {
    std::cerr << (clock_ ? clock_().count() : 0) << " ms  " << what << "\n";
  }
}

void Judge::broken(std::string what) {
  tell(what);
  broken_.push_back(std::move(what));
}

void Judge::effect(const Effect& effect) {
  const int before = effects_[{effect.unit, effect.command}]++;
  if (before == 0) {
    order_[effect.unit].push_back(effect.command);
  }
  const auto name = effect.command.str() + " on " + effect.unit;
  tell("effect of " + name);
  if (!effect.journalled) {
    broken("an effect without a journalled command: " + name);
  }
  if (has_lost_disk(effect.unit)) {
    return;  // it cannot know what it has run
  }
  if (before > 0 && !effect.repeatable) {
    broken("a second effect of one that is not repeatable: " + name);
  }
  if (before >= 3) {
    broken("more than three runs: " + name);
  }
  if (before > 0) {
    happened("ran again, repeatable");
  }
  if (terminal_said_.contains({effect.unit, effect.command})) {
    broken("an effect after the terminal ACK: " + name);
  }
}

int Judge::effects(const std::string& unit, const wire::MessageId& command) const {
  const auto at = effects_.find({unit, command});
  return at == effects_.end() ? 0 : at->second;
}

void Judge::published(const std::string& unit, const bus::Message& message, bool kept) {
  const auto epoch = message.headers.find("ce-epoch");
  const auto seq = message.headers.find("ce-seq");
  if (!epoch || !seq) {
    return;
  }
  const auto place = unit + " " + std::string(*epoch) + " " + std::string(*seq);
  const std::string id(message.headers.find("ce-id").value_or(""));
  const auto [at, is_new] = by_position_.emplace(place, id);
  if (at->second != id) {
    broken("two events in one place of the outbox: " + place);
  }
  if (!is_new) {
    return;
  }
  if (!kept) {
    broken("an event was published that is not on disk: " + place);
  }
  const auto subject = wire::Subject::parse(message.subject);
  const auto ack = wire::decode_ack(message.payload);
  if (!subject || subject->method.str() != "ack" || !ack || !wire::is_terminal(ack->state)) {
    return;
  }
  const std::string state(wire::word(ack->state));
  const auto [said, first] =
      terminal_said_.emplace(OnUnit{unit, ack->ref}, std::pair(place, state));
  if (!first && !has_lost_disk(unit)) {
    broken("a second terminal ACK of " + ack->ref.str() + " on " + unit + ": " +
           said->second.second + ", then " + state);
  }
}

void Judge::committed(const std::string& unit,
                      const wire::MessageId& command,
                      wire::CommandState state,
                      bool by_unit) {
  tell("the station commits " + std::string(wire::word(state)) + " of " + command.str() + " on " +
       unit);
  if (!wire::is_terminal(state)) {
    return;
  }
  auto& terminal = terminal_[{unit, command}];
  int& count = by_unit ? terminal.by_unit : terminal.by_station;
  ++count;
  if (count > 1 || (!by_unit && terminal.by_unit > 0)) {
    broken("the station ended " + command.str() + " on " + unit +
           " a second time: " + std::string(wire::word(state)));
  }
}

}  // namespace steward::simulation
