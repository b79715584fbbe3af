#pragma once

#include "tests/fault/support/process.hpp"
#include "tests/support/nats_server.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace steward::tests {

// A real broker, a real station and real units, in a folder of their own, all of which a test may
// kill: tend() starts again what has ended. One thread.
class Fleet {
 public:
  enum class BrokerOf { test, station };

  struct Options {
    int units = 1;
    BrokerOf broker = BrokerOf::test;
    std::chrono::milliseconds hello{250};
    std::string edge_config;                  // more of edge.toml
    std::string station_config;               // more of steward.toml
    std::string unit_network;                 // of all units; empty: ours
    std::string unit_host;                    // the broker's, as units see it; empty: as we do
    std::filesystem::path unit_dir;           // state of the units, a folder for each
    std::filesystem::path station_dir;        // state of the station
    std::vector<std::string> nats_arguments;  // of the test's broker
    Process::Environment environment;         // of all programs
  };

  // Starts all of it and waits until every unit is up. Null where nats-server is not installed:
  // said loudly, and a failed test where the environment says CI; the caller returns.
  static std::unique_ptr<Fleet> start(Options options);
  static std::unique_ptr<Fleet> start();

  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  // The test's own broker.
  NatsServer& broker() { return *broker_; }

  std::string url() const;

  Process& station() { return *station_; }

  Process& unit(std::size_t number) { return *units_.at(number); }

  static std::string name_of(std::size_t number) { return "ship" + std::to_string(number + 1); }

  std::size_t size() const { return units_.size(); }

  const std::filesystem::path& folder() const { return folder_; }

  // The ends of the logs of the station and of every unit.
  std::string last_words() const;

  std::filesystem::path unit_dir(std::size_t number) const;
  std::filesystem::path station_dir() const;

  // Starts what has ended and is not held. Says false where something ended in another way than by
  // SIGKILL.
  bool tend();

  // Keeps one from being started again.
  void hold(Process& process) { held_.insert(&process); }

  // Ends it by that signal, and keeps it down.
  void take_down(Process& process, int signal);

  // Starts it; from now on it is tended. `extra` counts for this life only.
  void bring_up(Process& process, const Process::Environment& extra = {});

  // Waits, tending, until something is so.
  bool tend_until(const std::function<bool()>& is_so, std::chrono::milliseconds limit);

  // Ends of programs that no fault explains, with the last lines of their logs; empty when there
  // were none.
  std::string surprises() const;

 private:
  explicit Fleet(Options options);
  void write_configuration() const;

  const Options options_;
  std::filesystem::path folder_;
  int port_ = 0;  // of the station's broker
  std::unique_ptr<NatsServer> broker_;
  std::unique_ptr<Process> station_;
  std::vector<std::unique_ptr<Process>> units_;
  std::set<const Process*> held_;
};

// Chance whose seed is printed, and given by STEWARD_SEED to play it again.
class Chance {
 public:
  Chance();

  std::size_t below(std::size_t bound) { return engine_() % bound; }

  std::chrono::milliseconds between(int least, int most) {
    return std::chrono::milliseconds(least + static_cast<int>(engine_() % (most - least + 1)));
  }

 private:
  std::mt19937_64 engine_;
};

// Whether the long forms are asked for.
bool is_long();

}  // namespace steward::tests
