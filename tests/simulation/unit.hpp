#pragma once

#include "subjects/wire/names.hpp"
#include "tests/simulation/clock.hpp"
#include "tests/simulation/storage.hpp"
#include "tests/simulation/world.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace steward::simulation {

// One unit: the real journal, ledger, outbox and intake on a simulated disk and link, with a
// handler that runs one command after the other. Its payload: {"ms": how long, "repeatable": true}.
class Unit {
 public:
  Unit(World& world, const std::string& name);
  ~Unit();
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

  static constexpr const char* kMethod = "work";
  static constexpr const char* kDomain = "bench";

  void start();

  // The power goes, and is back after that time.
  void crash(std::chrono::milliseconds away);

  // A stop in order: what has begun is said to be interrupted.
  void stop(std::chrono::milliseconds away);

  // Another disk, an empty one: with a crash.
  void lose_disk(std::chrono::milliseconds away);

  void break_disk(Disk::Fate how, std::chrono::milliseconds time);
  void step_clock(std::chrono::microseconds ahead);

  bool is_alive() const { return life_ != nullptr; }

  // Its disk works and its clock is right from now on; it is there.
  void calm();

  const std::string& name() const { return name_; }

  const Disk& disk() const { return disk_; }

  // Recorded events that are not acknowledged.
  std::size_t outbox_depth() const;

 private:
  class Life;

  Disk::Fate fate();
  void end(std::chrono::milliseconds away);

  World& world_;
  const std::string name_;
  NodeClock clock_;
  Disk disk_;
  Disk::Fate trouble_ = Disk::Fate::good;
  Timeline::Steady trouble_until_{};
  std::uint64_t lives_ = 0;
  bool away_ = false;
  std::unique_ptr<Life> life_;
};

}  // namespace steward::simulation
