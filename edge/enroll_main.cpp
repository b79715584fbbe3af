#include "edge/enroll_main.hpp"

#include "edge/join.hpp"
#include "handlers/runtime/system_clock.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/identity/files.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <utility>

namespace steward::edge {
namespace {

constexpr int kExitNotify = 1;  // the certificate is there, the command failed
constexpr int kExitWaiting = 4;
constexpr int kExitRefused = 6;

int init(EnrollFlags flags) {
  flags.plan.folder = flags.folder;
  const auto& brokers = flags.plan.brokers;
  if (std::any_of(brokers.begin(), brokers.end(), bus::is_tls_address)) {
    flags.plan.tls_ca = "";
  }
  if (!flags.broker_ca.empty()) {
    auto ca = identity::read_file(flags.broker_ca);
    if (!ca) {
      return fail(ca.error());
    }
    flags.plan.tls_ca = *std::move(ca);
  }
  const auto request = begin_enrollment(flags.plan, runtime::SystemClock().now());
  if (!request) {
    return fail(request.error());
  }
  std::cout << "✓ request " << request->file.string() << "\n  fingerprint " << request->fingerprint
            << "\n  Carry it to whoever has the root, who compares the fingerprint:\n"
               "    stewardctl ca sign "
            << request->file.filename().string() << " --dir CLUSTER\n"
            << "  and bring the bundle back:\n    steward-edge enroll " << flags.plan.name
            << ".bundle --dir " << request->file.parent_path().string() << '\n';
  return 0;
}

int enroll(const EnrollFlags& flags) {
  if (auto done = finish_enrollment(flags.folder, flags.bundle, runtime::SystemClock().now());
      !done) {
    return fail(done.error());
  }
  std::cout << "✓ enrolled\n  Start it: steward-edge run --config " << flags.folder
            << "/edge.toml\n";
  return 0;
}

int join_over_bus(const EnrollFlags& flags) {
  const auto patience =
      flags.patience == 0
          ? std::nullopt
          : std::optional<std::chrono::milliseconds>(std::chrono::seconds(flags.patience));
  const auto joined = join({flags.folder, flags.invitation, patience},
                           [](const std::string& line) { std::cout << "· " << line << std::endl; });
  if (!joined) {
    return fail(joined.error());
  }
  if (*joined == Joined::refused) {
    return kExitRefused;
  }
  if (*joined == Joined::waiting) {
    std::cout << "  Nobody has decided yet. Go on: steward-edge join --dir " << flags.folder
              << '\n';
    return kExitWaiting;
  }
  std::cout << "✓ enrolled\n  Start it: steward-edge run --config " << flags.folder
            << "/edge.toml\n";
  return 0;
}

int cert(EnrollFlags flags) {
  flags.certificate.unit = flags.folder;
  flags.certificate.out = flags.out;
  const auto issued = certify(flags.certificate, runtime::SystemClock().now());
  if (!issued) {
    return fail(issued.error());
  }
  if (*issued == identity::Issued::kept) {
    std::cout << "✓ kept: it has a third of its life left\n";
    return 0;
  }
  std::cout << "✓ new certificate in " << flags.out << std::endl;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread, and the command is the caller's
  // own.
  return flags.notify.empty() || std::system(flags.notify.c_str()) == 0 ? 0 : kExitNotify;
}

}  // namespace

int fail(const Error& error) {
  std::cerr << "steward-edge: " << error.message << '\n';
  return kExitUsage;
}

EnrollCommands add_enroll_commands(CLI::App& app, EnrollFlags& flags) {
  auto* init =
      app.add_subcommand("init", "Make the keys of this unit, and a request to be let in.");
  init->add_option("--name", flags.plan.name, "Name of this unit")->required();
  init->add_option("--cluster", flags.plan.cluster, "The cluster that it joins")->required();
  init->add_option("--root", flags.plan.root, "Public key of the cluster's root")->required();
  init->add_option("--broker", flags.plan.brokers, "Address of a broker")->required();
  init->add_option("--broker-ca", flags.broker_ca, "Who has signed the certificate of a tls:// one")
      ->check(CLI::ExistingFile);
  init->add_option("--dir", flags.folder, "Folder of its keys and edge.toml [/etc/steward]");
  auto* enroll = app.add_subcommand("enroll", "Take the bundle that answers the request.");
  enroll->add_option("BUNDLE", flags.bundle, "The bundle's file")->required();
  enroll->add_option("--dir", flags.folder, "Folder of its keys and edge.toml [/etc/steward]");
  auto* join = app.add_subcommand("join", "Ask over the bus to be let in, and wait for it.");
  join->add_option("STRING", flags.invitation, "What stewardctl enroll token gave [the last one]");
  join->add_option("--dir", flags.folder, "Folder of its keys and edge.toml [/etc/steward]");
  join->add_option("--wait", flags.patience, "Seconds to wait for a decision [for ever]")
      ->check(CLI::NonNegativeNumber);
  auto* certify =
      app.add_subcommand("cert", "Give a daemon of this unit a certificate of 24 hours.");
  certify->add_option("NAME", flags.certificate.daemon, "Name of the daemon")->required();
  certify->add_option("--out", flags.out, "Folder for key.pem, chain.pem, root.pem")->required();
  certify->add_option("--dir", flags.folder, "Folder of the unit [/etc/steward]");
  certify->add_option("--owner", flags.certificate.owner, "User who gets key.pem [whoever calls]");
  certify->add_option("--notify", flags.notify, "Shell command to run after a new certificate");
  return {init, enroll, join, certify};
}

std::optional<int> run_enroll_command(const EnrollCommands& commands, EnrollFlags flags) {
  if (commands.init->parsed()) {
    return init(std::move(flags));
  }
  if (commands.enroll->parsed()) {
    return enroll(flags);
  }
  if (commands.join->parsed()) {
    return join_over_bus(flags);
  }
  if (commands.certify->parsed()) {
    return cert(std::move(flags));
  }
  return std::nullopt;
}

}  // namespace steward::edge
