#pragma once

#include "handlers/runtime/log.hpp"
#include "steward/logs/settings.hpp"
#include "steward/reboot_leases.hpp"
#include "steward/store.hpp"
#include "steward/streams.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "subjects/bus/trust_files.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/names.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace steward::station {

// What the command line says; it wins over the configuration file.
struct Flags {
  std::string config;  // path; empty: no file
  std::string name;
  std::vector<std::string> brokers;
  std::string state_dir;
  std::string http;
  std::string log_level;
  std::string log_form;
};

// Where a station tells of itself over HTTP unless it is told otherwise.
inline constexpr const char* kDefaultHttp = "127.0.0.1:9180";

// How a station runs.
struct Config {
  wire::NodeName name;
  std::vector<std::string> brokers;   // empty: it runs its own
  std::uint16_t port = 4222;          // of its own broker, where that is free
  std::filesystem::path logins;       // who may use that one: a part of its configuration; or empty
  std::filesystem::path credentials;  // our login; empty: none is needed
  bus::TlsFiles tls;
  std::filesystem::path login_keys;  // folder of what signs logins of units; empty: we sign none
  std::chrono::seconds login_life{0};
  std::filesystem::path state_dir;
  Store::Limits limits;
  StreamSettings streams;
  std::vector<HandOnSettings> hand_ons;  // of the stream LOGS
  RebootLeases::Settings reboots;
  std::optional<bus::TrustFiles> trust;  // none: messages are not signed
  std::string http;                      // host:port; empty: kDefaultHttp where that is free
  runtime::LogLevel log_level = runtime::LogLevel::info;
  runtime::LogSink::Form log_form = runtime::LogSink::Form::terminal;
};

// Reads the configuration, or says everything that is wrong with it, each with its place.
[[nodiscard]] tl::expected<Config, std::vector<std::string>> read_config(const Flags& flags);

}  // namespace steward::station
