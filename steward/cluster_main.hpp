#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace steward::station {

// `steward init`, `steward unit` and `steward operator`, for main.

struct ClusterFlags {
  std::string folder;
  std::string name = "fleet";
  std::string station = "station";
  std::string person = "admin";
  std::string unit;
  std::vector<std::string> roles;
  std::string out;
  std::string broker = "nats://127.0.0.1:4222";
};

struct ClusterCommands {
  const CLI::App* init;
  const CLI::App* unit;
  const CLI::App* person;
};

// Of a wrong usage or configuration.
inline constexpr int kExitUsage = 2;

ClusterCommands add_cluster_commands(CLI::App& app, ClusterFlags& flags);

// The exit code of the one that was given; none where none was.
std::optional<int> run_cluster_command(const ClusterCommands& commands, const ClusterFlags& flags);

}  // namespace steward::station
