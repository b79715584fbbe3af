#include "tests/simulation/story.hpp"

#include <algorithm>
#include <utility>

namespace steward::simulation {

using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

constexpr milliseconds kLook{5'000};
constexpr std::chrono::hours kLongestCalm{2};

bool is_terminal_word(const std::string& text) {
  const auto state = wire::parse_command_state(text);
  return state && wire::is_terminal(*state);
}

}  // namespace

Story::Story(std::uint64_t seed, const std::filesystem::path& folder)
    : world_(seed, folder), station_(world_), eva_(world_) {
  for (int number = 1; number <= world_.rules.units; ++number) {
    units_.push_back(std::make_unique<Unit>(world_, "ship" + std::to_string(number)));
  }
}

const std::vector<std::string>& Story::play() {
  station_.start();
  if (!world_.rules.orderly) {
    for (const auto& unit : units_) {
      unit->start();
    }
  }
  arrange_commands();
  arrange_faults();
  run_until(world_.timeline.now() + world_.rules.story);
  calm();
  judge_end();
  return world_.judge.verdicts();
}

void Story::run_until(Timeline::Steady end) {
  while (world_.timeline.now() < end && world_.judge.verdicts().empty() && world_.timeline.step()) {
  }
}

Unit& Story::any_unit() { return *units_[world_.random.below(units_.size())]; }

void Story::sometime(int times, const std::function<void()>& fault) {
  for (; times > 0; --times) {
    world_.timeline.after(world_.random.between(milliseconds(0), world_.rules.story), fault);
  }
}

void Story::arrange_commands() {
  // The station knows the units by then, so that a broadcast concerns them.
  const auto begin = milliseconds(2'000);
  for (int number = 0; number < world_.rules.commands; ++number) {
    world_.timeline.after(
        world_.random.between(begin, world_.rules.story * (world_.rules.orderly ? 1 : 2) / 2),
        [this] { give_one(); });
  }
}

void Story::give_one() {
  auto& random = world_.random;
  if (world_.rules.orderly) {
    eva_.give({any_unit().name(), random.between(milliseconds(0), milliseconds(300))});
    return;
  }
  if (random.below(6) == 0) {
    give_cancel();
    return;
  }
  if (random.below(12) == 0 && !eva_.given().empty()) {
    eva_.repeat(eva_.given()[random.below(eva_.given().size())]->id);
    return;
  }
  Operator::Order order{random.below(8) == 0 ? "@all" : any_unit().name()};
  order.takes = random.below(5) == 0 ? milliseconds(5'000) : milliseconds(random.below(800));
  order.repeatable = random.below(3) == 0;
  if (random.below(6) == 0) {
    order.expires = random.between(milliseconds(500), milliseconds(60'000));
  }
  eva_.give(order);
}

void Story::give_cancel() {
  auto& random = world_.random;
  Operator::Order cancel{any_unit().name()};
  if (random.below(3) == 0) {
    // Before the command that it is for.
    const auto id = eva_.reserve();
    cancel.cancels = id;
    const auto unit = cancel.unit;
    eva_.give(cancel);
    world_.timeline.after(random.between(milliseconds(0), milliseconds(8'000)),
                          [this, id, unit] { eva_.give_reserved(id, {unit}); });
    return;
  }
  std::vector<const Operator::Given*> candidates;
  for (const auto& given : eva_.given()) {
    if (!given->cancels && given->unit != "@all") {
      candidates.push_back(given.get());
    }
  }
  if (!candidates.empty()) {
    const auto& victim = *candidates[random.below(candidates.size())];
    cancel.unit = victim.unit;
    cancel.cancels = victim.id;
    eva_.give(cancel);
  }
}

void Story::arrange_faults() {
  const auto& rules = world_.rules;
  auto& random = world_.random;
  const auto away = [&random] { return random.between(milliseconds(50), milliseconds(25'000)); };
  const auto step = [&random] {
    return std::chrono::microseconds(std::chrono::seconds(1)) *
           (static_cast<std::int64_t>(random.below(7'200)) - 3'600);
  };
  sometime(rules.unit_crashes, [this, away] { any_unit().crash(away()); });
  sometime(rules.unit_stops, [this, away] { any_unit().stop(away()); });
  sometime(rules.disk_losses, [this, away] { any_unit().lose_disk(away()); });
  sometime(rules.full_disks, [this, away] { any_unit().break_disk(Disk::Fate::no_space, away()); });
  sometime(rules.failing_disks, [this, away] { any_unit().break_disk(Disk::Fate::io, away()); });
  sometime(rules.clock_steps, [this, step] {
    world_.random.below(2) == 0 ? any_unit().step_clock(step()) : station_.step_clock(step());
  });
  sometime(rules.station_crashes, [this, away] { station_.crash(away()); });
  sometime(rules.station_disk_failures, [this, away] { station_.break_disk(away()); });
  sometime(rules.station_deletions, [this, away] { station_.lose_database(away()); });
  sometime(rules.broker_crashes, [this, away] { world_.broker.crash(away() / 5); });
  sometime(rules.tails_lost, [this, away] {
    data_lost_ = true;
    world_.broker.crash(away() / 5);
    world_.broker.lose_tail(20);
  });
  sometime(rules.broker_forgets, [this, away] {
    data_lost_ = true;
    world_.broker.crash(away() / 5);
    world_.broker.forget();
  });
  sometime(rules.cuts, [this, away] {
    const auto which = world_.random.below(units_.size() + 1);
    const auto how = static_cast<Broker::Cut>(world_.random.below(3));
    world_.broker.cut(which < units_.size() ? units_[which]->name() : "station", how, away());
  });
}

void Story::calm() {
  world_.calm = true;
  world_.broker.calm();
  station_.calm();
  for (const auto& unit : units_) {
    unit->calm();
  }
  const auto begin = world_.timeline.now();
  // What only the broker had is its sender's to give again.
  bool given_again = !data_lost_;
  while (world_.judge.verdicts().empty() && !is_quiet()) {
    if (world_.timeline.now() - begin > kLongestCalm) {
      return;  // judge_end() says what has not come to its end
    }
    run_until(world_.timeline.now() + kLook);
    if (!given_again && world_.timeline.now() - begin > minutes(2)) {
      given_again = true;
      for (const auto& given : eva_.given()) {
        eva_.repeat(given->id);
      }
      run_until(world_.timeline.now() + minutes(3));
    }
  }
  if (!given_again) {
    for (const auto& given : eva_.given()) {
      eva_.repeat(given->id);
    }
    run_until(world_.timeline.now() + kLook);
    while (world_.judge.verdicts().empty() && !is_quiet() &&
           world_.timeline.now() - begin < kLongestCalm) {
      run_until(world_.timeline.now() + kLook);
    }
  }
}

bool Story::is_ended(const Operator::Given& given) {
  const auto on_units = station_.command(given.id);
  return (!on_units.empty() || given.unit == "@all") &&
         std::all_of(on_units.begin(), on_units.end(), [](const auto& on_unit) {
           return is_terminal_word(on_unit.second.state);
         });
}

bool Story::is_quiet() {
  return station_.undelivered() == 0 &&
         std::all_of(units_.begin(),
                     units_.end(),
                     [](const auto& unit) {
                       return unit->outbox_depth() == 0 && unit->disk().open() == 0;
                     }) &&
         std::all_of(eva_.given().begin(), eva_.given().end(), [this](const auto& given) {
           return is_ended(*given);
         });
}

void Story::judge_end() {
  if (!world_.judge.verdicts().empty()) {
    return;
  }
  for (const auto& unit : units_) {
    if (unit->outbox_depth() != 0) {
      world_.judge.broken("the outbox of " + unit->name() +
                          " does not drain: " + std::to_string(unit->outbox_depth()));
    }
  }
  if (station_.undelivered() != 0) {
    world_.judge.broken("the station goes on sending " + std::to_string(station_.undelivered()));
  }
  for (const auto& given : eva_.given()) {
    const auto on_units = station_.command(given->id);
    if (on_units.empty() && given->unit != "@all") {
      world_.judge.broken("lost: the station does not know " + given->id.str());
    }
    for (const auto& unit : units_) {
      if (given->unit == unit->name() || given->unit == "@all") {
        judge_command(*given, *unit);
      }
    }
  }
  if (world_.rules.orderly) {
    judge_order();
  }
}

// What the station says, what the unit has on its disk, and what has happened are one story.
void Story::judge_command(const Operator::Given& given, const Unit& unit) {
  auto& judge = world_.judge;
  const auto name = given.id.str() + " on " + unit.name();
  const auto on_units = station_.command(given.id);
  const auto at = on_units.find(unit.name());
  const int effects = judge.effects(unit.name(), given.id);
  if (at == on_units.end()) {
    if (given.unit != "@all" || effects > 0) {
      judge.broken("lost: the station does not know " + name);
    }
    return;  // a broadcast from before the station knew the unit
  }
  const auto& state = at->second.state;
  if (!is_terminal_word(state)) {
    judge.broken("no end: " + name + " is " + state);
    return;
  }
  if (at->second.terminal_steps < 1 || at->second.terminal_steps > 2) {
    judge.broken("ended " + std::to_string(at->second.terminal_steps) + " times: " + name);
  }
  const auto* row = unit.disk().row(given.id);
  const auto recorded =
      row != nullptr ? wire::decode_ack(row->ack) : Result<wire::Ack>(tl::unexpected(Error{}));
  if (recorded && wire::word(recorded->state) != state && !judge.has_lost_disk(unit.name())) {
    judge.broken("the station says " + state + ", the unit " +
                 std::string(wire::word(recorded->state)) + ": " + name);
  }
  if (state == "done" && !given.cancels && effects == 0) {
    judge.broken("done without an effect: " + name);
  }
  if (effects > 0 && (state == "refused" || state == "expired") &&
      !judge.has_lost_disk(unit.name())) {
    judge.broken("an effect of one that is " + state + ": " + name);
  }
  if (state == "interrupted") {
    judge.happened("interrupted");
  } else if (state == "cancelled") {
    judge.happened(row != nullptr && row->attempts == 0 && effects == 0 ? "cancelled ahead"
                                                                        : "cancelled");
  } else if (state == "expired" && recorded) {
    judge.happened("expired by the unit");
  } else if (state == "refused" && (at->second.code == "no_space" || at->second.code == "io")) {
    judge.happened("refused for its disk");
  }
}

void Story::judge_order() {
  for (const auto& unit : units_) {
    std::vector<wire::MessageId> given;
    for (const auto& one : eva_.given()) {
      if (one->unit == unit->name()) {
        given.push_back(one->id);
      }
    }
    if (world_.judge.order(unit->name()) != given) {
      world_.judge.broken("the commands of " + unit->name() + " ran in another order");
    }
  }
}

}  // namespace steward::simulation
