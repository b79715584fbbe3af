#pragma once

#include "edge/enrollment.hpp"

#include <optional>
#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace steward::edge {

// `steward-edge init` and `steward-edge enroll`, for main.

struct EnrollFlags {
  JoinPlan plan;
  std::string folder = "/etc/steward";
  std::string bundle;
};

struct EnrollCommands {
  const CLI::App* init;
  const CLI::App* enroll;
};

EnrollCommands add_enroll_commands(CLI::App& app, EnrollFlags& flags);

// The exit code of the one that was given; none where neither was.
std::optional<int> run_enroll_command(const EnrollCommands& commands, EnrollFlags flags);

}  // namespace steward::edge
