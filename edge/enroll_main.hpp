#pragma once

#include "edge/daemon_certificate.hpp"
#include "edge/enrollment.hpp"

#include <optional>
#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace steward::edge {

// `steward-edge init`, `enroll` and `cert`, for main.

struct EnrollFlags {
  JoinPlan plan;
  std::string folder = "/etc/steward";
  std::string bundle;
  CertificatePlan certificate;
  std::string out;
  std::string notify;  // a command for /bin/sh
};

struct EnrollCommands {
  const CLI::App* init;
  const CLI::App* enroll;
  const CLI::App* certify;
};

EnrollCommands add_enroll_commands(CLI::App& app, EnrollFlags& flags);

// The exit code of the one that was given; none where none was.
std::optional<int> run_enroll_command(const EnrollCommands& commands, EnrollFlags flags);

}  // namespace steward::edge
