#pragma once

#include "handlers/runtime/log.hpp"
#include "handlers/runtime/options.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/bus/trust_files.hpp"
#include "subjects/wire/names.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace steward::edge {

// What the command line says; it wins over the configuration file.
struct Flags {
  std::string config;  // path; empty: no file
  std::string name;
  std::vector<std::string> brokers;
  std::string state_dir;
  std::string log_level;
  std::string log_form;
};

// What the defaults are made of.
struct Machine {
  std::string hostname;
  bool is_root = false;
  bool under_systemd = false;  // standard error goes to the journal
  std::string xdg_state_home;
  std::string home;
};

Machine this_machine();

// How an agent runs. Each handler reads its own section of `options`.
struct Config {
  wire::NodeName node;
  std::vector<std::string> brokers;
  std::filesystem::path state_dir;
  std::filesystem::path credentials;  // our login to the broker; empty: none is needed
  std::filesystem::path renewal;      // the login that is good for getting another one alone
  bus::TlsFiles tls;
  // What edge.db may hold before new commands are refused.
  std::size_t storage_bytes = std::size_t{64} * 1024 * 1024;
  // Where messages are signed; none: whoever can publish on the broker can command the unit.
  std::optional<bus::TrustFiles> trust;
  runtime::LogLevel log_level = runtime::LogLevel::info;
  runtime::LogSink::Form log_form = runtime::LogSink::Form::terminal;
  runtime::Options options;
};

// Flags over the file over the defaults. What is wrong in the file beyond what stops the reading is
// in options.problems(), once the handlers have read theirs too. Errors: bad_config, not_found,
// permission, io.
[[nodiscard]] Result<Config> read_config(const Flags& flags, const Machine& machine);

}  // namespace steward::edge
