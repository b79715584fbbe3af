#pragma once

#include "tests/simulation/clock.hpp"
#include "tests/simulation/world.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace steward::station {
class Store;
}

namespace steward::simulation {

// The station: the real fold, tracker, tables, redelivery, recall and store, fed from a simulated
// broker, with the steps between them as the program's thread takes them.
class Station {
 public:
  explicit Station(World& world);
  ~Station();
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  void start();
  void crash(std::chrono::milliseconds away);

  // Its database is gone with the crash: all comes back from the streams and the units.
  void lose_database(std::chrono::milliseconds away);
  void break_disk(std::chrono::milliseconds time);
  void step_clock(std::chrono::microseconds ahead);
  void calm();

  // What it has committed of a command on each unit.
  struct OnUnit {
    std::string state;
    int terminal_steps = 0;
    std::string code;
  };

  std::map<std::string, OnUnit> command(const wire::MessageId& id);

  // (command, unit) pairs that it would still send again.
  std::size_t undelivered() const;

 private:
  class Life;

  std::filesystem::path file() const;

  World& world_;
  NodeClock clock_;
  Timeline::Steady disk_fails_until_{};
  std::uint64_t lives_ = 0;
  bool away_ = false;
  std::unique_ptr<Life> life_;
};

}  // namespace steward::simulation
