#pragma once

#include "subjects/wire/osupdate.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::osupdate {

// A run as it is on disk: what the next agent needs to finish it.
struct Record {
  std::string id;  // of its command
  wire::UpdateRun request;
  wire::UpdatePhase phase = wire::UpdatePhase::planning;  // that it is in, or is about to enter
  wire::UpdatePlan plan;
  std::vector<std::string> automatic;  // of its packages: nobody asked for them by name
  int begun = 0;                       // times that it was begun from the top
  int steps = 0;                       // programs that were started
  int installs = 0;
  int repairs = 0;                          // of this plan
  bool repaired = false;                    // at any time
  std::optional<wire::UpdateOutcome> good;  // once all is installed: what comes behind it is left
  bool hooked = false;                      // pre_argv has begun
  bool prepared = false;                    // it has ended well
  std::string own;   // version of the agent's package that is minded; or empty
  std::string boot;  // of the machine, before its reboot
  wire::Timestamp started;
};

// The run under way and those that have ended.
class Records {
 public:
  explicit Records(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // None: nothing is under way. Errors: bad_config, io, permission.
  [[nodiscard]] Result<std::optional<Record>> load() const;

  // On disk when it returns. Errors: io, no_space, permission.
  [[nodiscard]] Result<void> save(const Record& record) const;

  void remove() const;

  // The last first.
  std::vector<wire::UpdateOutcome> history() const;

  // Errors: io, no_space, permission.
  [[nodiscard]] Result<void> add(const wire::UpdateOutcome& outcome) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace steward::handlers::osupdate
