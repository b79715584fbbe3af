#include "steward/config.hpp"

#include "handlers/runtime/options.hpp"
#include "handlers/runtime/tls_options.hpp"
#include "handlers/runtime/trust_options.hpp"
#include "subjects/identity/unit_login.hpp"

#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace steward::station {
namespace {

constexpr std::int64_t kMostRows = 1'000'000'000;
constexpr std::int64_t kMostDays = 36'500;
constexpr std::int64_t kShortestLogin = 3;  // seconds
constexpr std::int64_t kLongestLogin = std::int64_t{365} * 86'400;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::filesystem::path default_state_dir() {
  if (::geteuid() == 0) {
    return "/var/lib/steward";
  }
  // The specification of the XDG base directories: a relative one is to be ignored.
  const std::filesystem::path state = environment("XDG_STATE_HOME");
  return state.is_absolute() ? state / "steward"
                             : std::filesystem::path(environment("HOME")) / ".local/state/steward";
}

// The flag where it is given, else what the file says, else the default.
std::string choose(const std::string& flag, std::string configured, std::string fallback) {
  if (!flag.empty()) {
    return flag;
  }
  return configured.empty() ? std::move(fallback) : std::move(configured);
}

void read_limits(runtime::Options section, Store::Limits& limits) {
  limits.history_rows = section.integer("history_rows", limits.history_rows, 1'000, kMostRows);
  limits.commands = section.integer("commands", limits.commands, 1'000, kMostRows);
  limits.age = std::chrono::hours(24) *
               static_cast<int>(section.integer("days", limits.age.count() / 24, 1, kMostDays));
}

constexpr std::int64_t kLeastStream = 1024 * 1024;
constexpr std::int64_t kLargestStream = std::int64_t{1} << 50;

std::vector<std::string> read_methods(runtime::Options& section, std::string_view key) {
  auto methods = section.texts(key);
  for (const auto& method : methods) {
    if (auto token = wire::Token::parse(method); !token) {
      section.reject(key, token.error().message);
    }
  }
  return methods;
}

// 0 where it is not set: by the space there is.
std::int64_t read_bytes(runtime::Options& section, std::string_view key) {
  return section.has(key) ? section.integer(key, 0, kLeastStream, kLargestStream) : 0;
}

void read_streams(runtime::Options section, StreamSettings& streams) {
  streams.replicas = static_cast<int>(section.integer("replicas", streams.replicas, 1, 5));
  streams.age = std::chrono::hours(24) *
                static_cast<int>(section.integer("days", streams.age.count() / 24, 1, 365));
  streams.commands = read_methods(section, "recorded_commands");
  streams.events = read_methods(section, "recorded_events");
  streams.commands_bytes = read_bytes(section, "commands_bytes");
  streams.state_bytes = read_bytes(section, "state_bytes");
  streams.logs_bytes = read_bytes(section, "logs_bytes");
  streams.metrics_bytes = read_bytes(section, "metrics_bytes");
}

constexpr std::int64_t kMostReboots = 100'000;
constexpr std::int64_t kLongestReboot = 86'400;  // seconds

void read_updates(runtime::Options section, RebootLeases::Settings& reboots) {
  reboots.at_once = static_cast<std::size_t>(section.integer(
      "reboots_at_once", static_cast<std::int64_t>(reboots.at_once), 0, kMostReboots));
  const auto usual = std::chrono::duration_cast<std::chrono::seconds>(reboots.ttl);
  reboots.ttl =
      std::chrono::seconds(section.integer("reboot_ttl_s", usual.count(), 2, kLongestReboot));
}

void read_log(const Flags& flags, runtime::Options section, Config& config) {
  using runtime::LogLevel;
  using runtime::LogSink;
  config.log_level =
      static_cast<LogLevel>(section.choice("level", {"debug", "info", "warning", "error"}, 1));
  if (const auto level = runtime::parse_log_level(flags.log_level);
      level && !flags.log_level.empty()) {
    config.log_level = *level;
  }
  const std::size_t configured = section.choice("form", {"auto", "terminal", "journal"}, 0);
  const std::string form = flags.log_form.empty()
                               ? std::vector<std::string>{"auto", "terminal", "journal"}[configured]
                               : flags.log_form;
  const bool journal =
      form == "journal" || (form == "auto" && !environment("JOURNAL_STREAM").empty());
  config.log_form = journal ? LogSink::Form::journal : LogSink::Form::terminal;
}

}  // namespace

tl::expected<Config, std::vector<std::string>> read_config(const Flags& flags) {
  runtime::Options options;
  if (!flags.config.empty()) {
    auto loaded = runtime::Options::load(flags.config);
    if (!loaded) {
      return tl::unexpected(std::vector<std::string>{loaded.error().message});
    }
    options = *std::move(loaded);
  }
  std::vector<std::string> problems;
  const auto name = wire::NodeName::parse(choose(flags.name, options.text("name"), "station"));
  if (!name) {
    problems.push_back(std::string(flags.name.empty() ? "name" : "--name") + ": " +
                       name.error().message);
  }
  std::error_code error;
  const auto state_dir = std::filesystem::absolute(
      choose(flags.state_dir, options.text("state_dir"), default_state_dir().string()), error);
  if (error) {
    problems.push_back("state_dir: " + error.message());
  }
  Config config{name ? *name : *wire::NodeName::parse("station"),
                options.texts("broker"),
                4222,
                {},
                options.text("credentials"),
                {},
                {},
                identity::kLoginLife,
                state_dir.lexically_normal(),
                {},
                {},
                {},
                {},
                {},
                {},
                {}};
  if (!flags.brokers.empty()) {
    config.brokers = flags.brokers;
  }
  auto managed = options.section("managed_broker");
  config.port = static_cast<std::uint16_t>(managed.integer("port", config.port, 1, 65'535));
  config.logins = managed.text("logins");
  auto logins = options.section("logins");
  config.login_keys = logins.text("keys");
  config.login_life = std::chrono::seconds(
      logins.integer("life_s", config.login_life.count(), kShortestLogin, kLongestLogin));
  read_limits(options.section("keep"), config.limits);
  config.tls = runtime::read_tls(options, config.state_dir);
  config.trust = runtime::read_trust(options, config.state_dir);
  if (config.trust) {
    config.trust->units = options.section("trust").text("units", "/etc/steward/units");
  }
  read_streams(options.section("streams"), config.streams);
  read_updates(options.section("updates"), config.reboots);
  config.hand_ons = read_hand_ons(options.section("logs"));
  config.http = choose(flags.http, options.section("http").text("listen"), "");
  read_log(flags, options.section("log"), config);
  for (auto& problem : options.problems()) {
    problems.push_back(std::move(problem));
  }
  if (!problems.empty()) {
    return tl::unexpected(std::move(problems));
  }
  return config;
}

}  // namespace steward::station
