#pragma once

#include "edge/daemon_certificate.hpp"
#include "edge/enrollment.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace steward::edge {

// `steward-edge init`, `enroll`, `join` and `cert`, for main.

struct EnrollFlags {
  JoinPlan plan;
  std::string folder = "/etc/steward";
  std::string broker_ca;
  std::string bundle;
  CertificatePlan certificate;
  std::string out;
  std::string notify;         // a command for /bin/sh
  std::string invitation;     // a join string
  std::int64_t patience = 0;  // seconds to wait for a decision; 0: as long as it takes
};

struct EnrollCommands {
  const CLI::App* init;
  const CLI::App* enroll;
  const CLI::App* join;
  const CLI::App* certify;
};

// Of a wrong usage or configuration.
inline constexpr int kExitUsage = 2;

// Says it to stderr; kExitUsage.
int fail(const Error& error);

EnrollCommands add_enroll_commands(CLI::App& app, EnrollFlags& flags);

// The exit code of the one that was given; none where none was.
std::optional<int> run_enroll_command(const EnrollCommands& commands, EnrollFlags flags);

}  // namespace steward::edge
