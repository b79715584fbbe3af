#pragma once

#include "tests/simulation/operator.hpp"
#include "tests/simulation/station.hpp"
#include "tests/simulation/unit.hpp"
#include "tests/simulation/world.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace steward::simulation {

// One seed: an operator, a broker, a station and some units live through a minute of
// commands and faults; then there are no more faults, and all has to come to its end.
class Story {
 public:
  Story(std::uint64_t seed, const std::filesystem::path& folder);

  // Plays it. What is broken: empty when every promise was kept.
  const std::vector<std::string>& play();

  const World& world() const { return world_; }

 private:
  void arrange_commands();
  void arrange_faults();
  void sometime(int times, const std::function<void()>& fault);
  Unit& any_unit();
  void give_one();
  void give_cancel();
  void run_until(Timeline::Steady end);
  void calm();
  bool is_quiet();
  bool is_ended(const Operator::Given& given);
  void judge_end();
  void judge_command(const Operator::Given& given, const Unit& unit);
  void judge_order();

  World world_;
  std::vector<std::unique_ptr<Unit>> units_;
  Station station_;
  Operator eva_;
  bool data_lost_ = false;  // the broker's
};

}  // namespace steward::simulation
