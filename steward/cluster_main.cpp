#include "steward/cluster_main.hpp"

#include "handlers/runtime/system_clock.hpp"
#include "steward/cluster.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace steward::station {
namespace {

int fail_with(const Error& error) {
  std::cerr << "steward: " << error.message << '\n';
  return kExitUsage;
}

int init(const ClusterFlags& flags) {
  const auto cluster = Cluster::make({flags.folder, flags.name, flags.station, flags.person},
                                     runtime::SystemClock().now());
  if (!cluster) {
    return fail_with(cluster.error());
  }
  const auto shown = [&cluster](const std::string& file) { return cluster->path(file).string(); };
  const std::string person = "people/" + flags.person;
  std::cout << "✓ cluster " << flags.name << " in " << cluster->plan().folder.string()
            << "\n  Carry away  " << shown("offline") << "  (it signs policies and logins)"
            << "\n  Station     steward run --config " << shown("station/steward.toml")
            << "\n  Operator    stewardctl context add " << flags.name
            << " --use --server nats://127.0.0.1:4222 --creds " << shown(person + ".creds")
            << " --signing-key " << shown(person + ".key") << " --cluster " << flags.name
            << " --operator " << flags.person << " --station " << flags.station
            << "\n  Own broker  nats-server -c " << shown("broker/nats-server.conf") << '\n';
  return 0;
}

int add_unit(const ClusterFlags& flags) {
  const auto cluster = Cluster::open(flags.folder);
  if (!cluster) {
    return fail_with(cluster.error());
  }
  const auto name = wire::NodeName::parse(flags.unit);
  if (!name) {
    return fail_with(name.error());
  }
  std::error_code error;
  const auto folder = std::filesystem::absolute(flags.out, error).lexically_normal();
  if (auto added = cluster->add_unit(*name, folder, flags.broker, "", runtime::SystemClock().now());
      !added) {
    return fail_with(added.error());
  }
  std::cout << "✓ unit " << flags.unit << "\n  Start it  steward-edge run --config "
            << (folder / "edge.toml").string() << '\n';
  return 0;
}

int add_person(const ClusterFlags& flags) {
  const auto cluster = Cluster::open(flags.folder);
  if (!cluster) {
    return fail_with(cluster.error());
  }
  const auto name = wire::NodeName::parse(flags.person);
  if (!name) {
    return fail_with(name.error());
  }
  const auto roles = flags.roles.empty() ? std::vector<std::string>{"admins"} : flags.roles;
  if (auto added = cluster->add_person(*name, roles, runtime::SystemClock().now()); !added) {
    return fail_with(added.error());
  }
  const auto shown = [&cluster](const std::string& file) { return cluster->path(file).string(); };
  const std::string file = "people/" + flags.person;
  std::cout << "✓ operator " << flags.person << "\n  Bring the policy  stewardctl policy push "
            << shown("policy.signed") << "\n  Hand over         " << shown(file + ".key") << " and "
            << shown(file + ".creds") << "\n  Then, there       stewardctl context add "
            << cluster->plan().name << " --use --creds " << flags.person << ".creds --signing-key "
            << flags.person << ".key --cluster " << cluster->plan().name << " --operator "
            << flags.person << " --station " << cluster->plan().station
            << " --server nats://HOST:4222\n";
  return 0;
}

}  // namespace

ClusterCommands add_cluster_commands(CLI::App& app, ClusterFlags& flags) {
  auto* init = app.add_subcommand("init", "Make the keys, logins and first policy of a cluster.");
  init->add_option("--dir", flags.folder, "Folder for its files")->required();
  init->add_option("--cluster", flags.name, "What is signed is good for it alone [fleet]");
  init->add_option("--station", flags.station, "Name of its station [station]");
  init->add_option("--operator", flags.person, "Who may do everything at first [admin]");
  init->footer("Example: steward init --dir /etc/steward/fleet --cluster fleet --operator anna");
  auto* unit = app.add_subcommand("unit", "Make key, login and configuration of a unit here.");
  unit->add_option("NAME", flags.unit, "Name of the unit")->required();
  unit->add_option("--cluster-dir", flags.folder, "The folder of steward init")->required();
  unit->add_option("--out", flags.out, "Folder of the unit")->required();
  unit->add_option("--broker", flags.broker, "Address of the broker [nats://127.0.0.1:4222]");
  unit->footer("Example: steward unit ship9 --cluster-dir var/demo/cluster --out var/ship9");
  auto* person = app.add_subcommand("operator", "Make key, login and rights of another operator.");
  person->add_option("ID", flags.person, "As the policy names them")->required();
  person->add_option("--cluster-dir", flags.folder, "The folder of steward init")->required();
  person->add_option("--role", flags.roles, "A role of the policy [admins]");
  person->footer("Example: steward operator bob --cluster-dir fleet --role admins");
  return {init, unit, person};
}

std::optional<int> run_cluster_command(const ClusterCommands& commands, const ClusterFlags& flags) {
  if (commands.init->parsed()) {
    return init(flags);
  }
  if (commands.unit->parsed()) {
    return add_unit(flags);
  }
  if (commands.person->parsed()) {
    return add_person(flags);
  }
  return std::nullopt;
}

}  // namespace steward::station
