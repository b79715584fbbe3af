#pragma once

#include "handlers/runtime/cgroup.hpp"
#include "handlers/runtime/processes.hpp"
#include "subjects/wire/process.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace steward::runtime {

// What holds a command within its limits, and the truth about it.
struct Limits {
  std::vector<ResourceLimit> resources;
  std::optional<int> nice;
  std::optional<Cgroup> group;
  // Each limit asked for, by its name on the wire: "cgroup", "rlimit", or "none: why".
  std::map<std::string, std::string> applied;
};

// By cgroup where the controller is there, else by limits of the process, else not: said so.
// `root` may be null. `user`: as whom the command runs.
Limits plan_limits(const wire::ProcessLimits& wanted,
                   const CgroupRoot* root,
                   const std::string& job,
                   uid_t user);

}  // namespace steward::runtime
