#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace steward::station {

// `steward init` and `steward unit`, for main.

struct ClusterFlags {
  std::string folder;
  std::string name = "fleet";
  std::string station = "station";
  std::string person = "admin";
  std::string unit;
  std::string out;
  std::string broker = "nats://127.0.0.1:4222";
};

struct ClusterCommands {
  const CLI::App* init;
  const CLI::App* unit;
};

ClusterCommands add_cluster_commands(CLI::App& app, ClusterFlags& flags);

// The exit code of the one that was given; none where neither was.
std::optional<int> run_cluster_command(const ClusterCommands& commands, const ClusterFlags& flags);

}  // namespace steward::station
