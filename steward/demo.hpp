#pragma once

#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/processes.hpp"
#include "steward/cluster.hpp"
#include "steward/service.hpp"
#include "subjects/bus/bus.hpp"
#include "subjects/wire/error.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace steward::station {

// Where a demo tells the tools of itself: $XDG_RUNTIME_DIR/steward, or /run/steward for root, else
// the demo's own folder.
std::filesystem::path runtime_folder(const std::filesystem::path& fallback);

// The process of a demo that runs, by its current.json; none where none does.
std::optional<pid_t> running_demo(const std::filesystem::path& current_json);

// The folder that a demo uses unasked: var/demo in the project around the current folder, else in
// the current folder.
std::filesystem::path default_demo_folder();

// Units on this machine, each a steward-edge of its own below one folder, for somebody who wants to
// see the system at work. On the main loop's thread.
class Demo {
 public:
  struct Settings {
    std::filesystem::path folder;
    std::filesystem::path told_in;   // where current.json goes without a runtime folder
    std::filesystem::path programs;  // folder of our own binary and its siblings
    int units = 3;
    std::optional<std::chrono::milliseconds> interval;  // of their hellos
    const Cluster* cluster = nullptr;  // that they belong to; null: nothing is signed
  };

  Demo(Settings settings, runtime::Loop& loop, runtime::Processes& processes, runtime::Logger log);
  ~Demo();
  Demo(const Demo&) = delete;
  Demo& operator=(const Demo&) = delete;

  // `http`: where the station tells of itself; may be empty. Starts the units on that broker,
  // writes current.json once all have said hello (or 10 s have passed), then calls `ready`. Errors:
  // not_found (no steward-edge), exec_failed, permission, no_space, io.
  [[nodiscard]] Result<void> start(const std::string& url,
                                   const std::string& station,
                                   const std::string& http,
                                   bus::Bus& bus,
                                   std::function<void()> ready);

  // Removes current.json and ends the units, all at once; then `stopped`.
  void stop(std::function<void()> stopped);

  // What a person can do now.
  std::string welcome(const Broker* broker) const;

 private:
  struct Unit {
    std::string name;
    std::unique_ptr<runtime::Child> child;
  };

  Result<void> start_unit(const std::filesystem::path& program, Unit& unit);
  Result<std::vector<std::string>> configure(const Unit& unit,
                                             const std::filesystem::path& folder) const;
  Result<void> write_current() const;
  void heard(const std::string& name);
  void finish_start();
  void unit_ended(Unit& unit, const runtime::ExitStatus& status);
  void stop_if_all_ended();
  std::filesystem::path current_json() const;
  std::string program(const std::string& name) const;
  std::string how_to_add() const;

  const Settings settings_;
  runtime::Loop& loop_;
  runtime::Processes& processes_;
  const runtime::Logger log_;
  std::string url_;
  std::string station_;
  std::string http_;
  std::vector<Unit> units_;
  std::set<std::string> awaited_;
  std::function<void()> ready_;
  std::function<void()> stopped_;
  runtime::Timer patience_;
  std::unique_ptr<bus::Subscription> hellos_;
};

}  // namespace steward::station
