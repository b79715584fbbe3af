#pragma once

#include "tests/simulation/broker.hpp"
#include "tests/simulation/judge.hpp"
#include "tests/simulation/random.hpp"
#include "tests/simulation/timeline.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace steward::simulation {

// Which faults a seed has, and how often: few seeds have all of them, so that each is met alone,
// too.
struct Rules {
  int units = 1;
  int commands = 20;
  std::chrono::milliseconds story{40'000};  // how long commands and faults come
  Weather weather;
  // Per commit of a unit.
  double crash_before = 0;
  double crash_after = 0;
  // Per effect.
  double crash_in_effect = 0;
  // How many in the story.
  int unit_crashes = 0;
  int unit_stops = 0;
  int disk_losses = 0;
  int full_disks = 0;
  int failing_disks = 0;
  int clock_steps = 0;
  int station_crashes = 0;
  int station_disk_failures = 0;
  int station_deletions = 0;
  int broker_crashes = 0;
  int tails_lost = 0;
  int broker_forgets = 0;
  int cuts = 0;
  // Commands come in their order to a unit that is there or returns: effects are in order, too.
  bool orderly = false;

  static Rules of(Random& random);
};

// What all ends of one story share.
struct World {
  explicit World(std::uint64_t seed, std::filesystem::path place)
      : random(seed),
        rules(Rules::of(random)),
        broker(timeline, random, rules.weather, judge),
        folder(std::move(place)) {
    judge.set_clock([this] { return timeline.since_start(); });
  }

  Random random;
  Rules rules;
  Timeline timeline;
  Judge judge;
  Broker broker;
  const std::filesystem::path folder;  // for the station's database
  bool calm = false;                   // no more faults: all has to come to its end
};

}  // namespace steward::simulation
