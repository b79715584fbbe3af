#include "tests/simulation/world.hpp"

namespace steward::simulation {
namespace {

using std::chrono::milliseconds;

}  // namespace

// Swarm testing: each seed draws which faults it has at all, so that a fault is also met without
// the others that would hide what it does.
Rules Rules::of(Random& random) {
  Rules rules;
  rules.units = 1 + static_cast<int>(random.below(2));
  rules.commands = 4 + static_cast<int>(random.below(9));
  rules.orderly = random.below(10) == 0;
  const auto some = [&random](int most) {
    return random.below(3) == 0
               ? 1 + static_cast<int>(random.below(static_cast<std::uint64_t>(most)))
               : 0;
  };
  const auto rate = [&random](double most) {
    return random.below(3) == 0 ? random.fraction() * most : 0;
  };
  rules.weather.longest_delay =
      random.below(4) == 0 ? milliseconds(3'000) : milliseconds(5 + random.below(100));
  if (rules.orderly) {
    rules.weather.longest_delay = milliseconds(20);
    return rules;
  }
  rules.weather.lost = rate(0.3);
  rules.weather.twice = rate(0.2);
  rules.crash_before = rate(0.05);
  rules.crash_after = rate(0.05);
  rules.crash_in_effect = rate(0.2);
  rules.unit_crashes = some(3);
  rules.unit_stops = some(2);
  rules.disk_losses = random.below(5) == 0 ? 1 : 0;
  rules.full_disks = some(2);
  rules.failing_disks = some(2);
  rules.clock_steps = some(2);
  rules.station_crashes = some(3);
  rules.station_disk_failures = some(2);
  rules.station_deletions = random.below(8) == 0 ? 1 : 0;
  rules.broker_crashes = some(3);
  rules.tails_lost = some(2);
  rules.broker_forgets = random.below(6) == 0 ? 1 : 0;
  rules.cuts = some(3);
  return rules;
}

}  // namespace steward::simulation
