#pragma once

#include "subjects/wire/error.hpp"
#include "subjects/wire/names.hpp"
#include "tools/stewardctl/console.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace steward::ctl {

// Where the bus is and how to enter it. Empty texts: not said.
struct Connection {
  std::string url;
  std::string user;
  std::string password;
  std::string token;
  std::string credentials_file;
  std::string certificate_file;
  std::string key_file;
  std::string ca_file;
  std::string inbox_prefix;
  std::string station;
  std::string signing_key;  // file of the operator's own key; empty: nothing is signed
  std::string cluster;      // what is signed is good for it alone
  std::string operator_id;  // who the policy says has that key; empty: the login's name
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<std::size_t> confirm_over;

  bool operator==(const Connection&) const = default;
};

// A connection context: the nats tool's file format, with what is ours below "steward".
struct Context {
  std::string description;
  Connection connection;

  bool operator==(const Context&) const = default;
};

// Errors: bad_config, naming the key and the place.
[[nodiscard]] Result<Context> decode_context(std::string_view json, const std::string& place);
std::string encode_context(const Context& context);

// The folder of context files: NAME.json each (0600), and `selected` with the name of the one in
// use.
class ContextStore {
 public:
  explicit ContextStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // $XDG_CONFIG_HOME/steward/context, else ~/.config/steward/context.
  static std::filesystem::path default_folder(const Environment& environment);

  std::vector<std::string> names() const;

  // Empty: none.
  std::string selected() const;

  // Errors: not_found (with the names that there are), bad_config, permission.
  [[nodiscard]] Result<Context> load(const std::string& name) const;

  // Errors: bad_config (a name that is none), permission, io.
  [[nodiscard]] Result<void> save(const std::string& name, const Context& context) const;
  [[nodiscard]] Result<void> select(const std::string& name) const;
  [[nodiscard]] Result<void> remove(const std::string& name) const;

  std::filesystem::path file(const std::string& name) const;

 private:
  std::filesystem::path folder_;
};

// What the command line says; empty: nothing.
struct Flags {
  std::string context;
  std::string server;
  std::string station;
  std::optional<std::chrono::milliseconds> timeout;
};

// All that is needed to reach the bus.
struct Settings {
  Connection connection;
  std::string origin;  // where the address comes from, for people
  std::string station;
  std::chrono::milliseconds timeout{10'000};
  bool timeout_given = false;  // by flag or context, so that a verb's own default gives way
  std::size_t confirm_over = 20;
};

// The demo's description of itself.
struct Demo {
  std::string broker;
  std::string station;
  std::int64_t pid = 0;
  // Where it signs: its first operator's, as in Connection.
  std::string credentials_file;
  std::string signing_key;
  std::string cluster;
  std::string operator_id;
};

// Errors: bad_config.
[[nodiscard]] Result<Demo> decode_demo(std::string_view json);

// A running demo's description, from $XDG_RUNTIME_DIR/steward/current.json or, after it,
// /run/steward/current.json, or var/demo in the project around the current folder; one whose
// process is gone does not count.
std::optional<Demo> find_demo(const Environment& environment);

// Each value from the first that has it: flag, environment (STEWARD_CONTEXT for the context;
// NATS_URL, NATS_USER, NATS_PASSWORD, NATS_TOKEN, NATS_CREDS, NATS_CERT, NATS_KEY, NATS_CA),
// context file, running demo, default (nats://127.0.0.1:4222, station "station"). Errors:
// bad_config, not_found (no such context) as bad_config, bad_subject (a station that is no name).
[[nodiscard]] Result<Settings> resolve_settings(const Flags& flags,
                                                const Environment& environment,
                                                const ContextStore& contexts,
                                                const std::optional<Demo>& demo);

}  // namespace steward::ctl
