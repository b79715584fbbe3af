#pragma once

#include "handlers/osupdate/driver.hpp"
#include "handlers/osupdate/look.hpp"
#include "handlers/runtime/context.hpp"
#include "handlers/runtime/shim.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace steward::handlers::osupdate {

// Minds the agent itself through a run that brings another one: before it, its files are kept, and
// a watcher below steward-shim begins, which needs nothing of the agent. Where none is well for too
// long it puts the files back and starts the agent again.
class Own {
 public:
  struct Settings {
    std::string package;                 // of the agent; empty: nothing is minded
    std::string service;                 // as systemd calls it
    std::chrono::milliseconds patience;  // for another agent to be well, whole seconds
  };

  Own(runtime::Context& context,
      const Driver& driver,
      CommandLine systemctl,
      std::string shim,
      Settings settings);

  // This agent has started: some seconds later it is well, and says so on disk.
  void start();

  // The agent's package, where the plan upgrades it; null: it does not.
  const wire::UpdatePackage* in(const wire::UpdatePlan& plan) const;

  // For the run of that id; `done` is called once, not from inside. Errors: exec_failed, no_space,
  // io, timed_out.
  void guard(const std::string& run, std::function<void(Result<void>)> done);

  bool is_well() const { return well_; }

  std::chrono::seconds patience() const {
    return std::chrono::duration_cast<std::chrono::seconds>(settings_.patience);
  }

  // Whether the files were put back in that run.
  bool has_put_back(const std::string& run) const;

  // The run is over: the watcher ends, and its folder goes behind it.
  void release(const std::string& run);

 private:
  std::filesystem::path folder(const std::string& run) const;
  std::filesystem::path alive() const;
  void say_well();
  void tidy();
  void kept(const std::string& run, const Result<std::string>& said);
  Result<void> watch(const std::string& run);
  std::string script(const std::string& run) const;

  runtime::Context& context_;
  const Driver& driver_;
  const CommandLine systemctl_;
  const std::string shim_program_;
  const Settings settings_;
  bool well_ = false;
  std::function<void(Result<void>)> done_;
  std::unique_ptr<Look> look_;
  std::unique_ptr<runtime::Shim> watcher_;
  runtime::Timer settles_;
  runtime::Timer tidy_;
  int tidied_ = 0;  // times since a run was over
};

}  // namespace steward::handlers::osupdate
