#include "edge/config.hpp"

#include "handlers/runtime/tls_options.hpp"
#include "handlers/runtime/trust_options.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <utility>

namespace steward::edge {

namespace {

constexpr std::string_view kDefaultBroker = "nats://127.0.0.1:4222";
constexpr std::int64_t kLeastStorage = 1024 * 1024;
constexpr std::int64_t kMostStorage = std::int64_t{1024} * 1024 * 1024 * 1024;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A unit's name is a single label: the part of the host's name before its domain.
std::string name_of_host(const std::string& hostname) {
  std::string name = hostname.substr(0, hostname.find('.'));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a')
                                          : static_cast<char>(letter);
  });
  return name;
}

Result<wire::NodeName> unit_name(const Flags& flags,
                                 const Machine& machine,
                                 runtime::Options& options) {
  const std::string configured = options.text("name");
  const bool defaulted = flags.name.empty() && configured.empty();
  const std::string written = defaulted            ? name_of_host(machine.hostname)
                              : flags.name.empty() ? configured
                                                   : flags.name;
  auto name = wire::NodeName::parse(written);
  if (name) {
    return name;
  }
  if (defaulted) {
    return failure(ErrorCode::bad_config,
                   "this machine's name '" + machine.hostname +
                       "' makes no unit name; give one with --name or 'name' in the configuration");
  }
  const std::string place = flags.name.empty() ? flags.config + ": name" : "--name";
  return failure(ErrorCode::bad_config, place + ": " + name.error().message);
}

bool is_broker_address(std::string_view text) {
  std::size_t scheme = 0;
  for (const std::string_view known : {"nats://", "tls://"}) {
    scheme = text.starts_with(known) ? known.size() : scheme;
  }
  // A login may stand before the host; an IPv6 address stands in brackets.
  auto host = text.substr(scheme);
  host.remove_prefix(host.find('@') == std::string_view::npos ? 0 : host.find('@') + 1);
  const auto bracket = host.find(']');
  const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const auto port = colon == std::string_view::npos ? "4222" : host.substr(colon + 1);
  int number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return scheme != 0 && colon != 0 && !host.empty() &&
         text.find_first_of(" \t\r\n") == std::string_view::npos &&
         host.find('/') == std::string_view::npos && error == std::errc() &&
         end == port.data() + port.size() && number >= 1 && number <= 65535;
}

Result<std::vector<std::string>> brokers(const Flags& flags, runtime::Options& options) {
  auto written = options.texts("broker");
  if (!flags.brokers.empty()) {
    written = flags.brokers;
  }
  if (written.empty()) {
    written.emplace_back(kDefaultBroker);
  }
  for (const auto& address : written) {
    if (!is_broker_address(address)) {
      return failure(ErrorCode::bad_config,
                     (flags.brokers.empty() ? flags.config + ": broker" : "--broker") + ": '" +
                         address +
                         "' is no broker's address; write nats://HOST or nats://HOST:PORT");
    }
  }
  return written;
}

std::filesystem::path default_state_dir(const Machine& machine) {
  if (machine.is_root) {
    return "/var/lib/steward-edge";
  }
  // The specification of the XDG base directories: a relative one is to be ignored.
  if (machine.xdg_state_home.starts_with('/')) {
    return std::filesystem::path(machine.xdg_state_home) / "steward-edge";
  }
  return std::filesystem::path(machine.home) / ".local/state/steward-edge";
}

Result<std::filesystem::path> state_dir(const Flags& flags,
                                        const Machine& machine,
                                        runtime::Options& options) {
  std::filesystem::path path = options.text("state_dir");
  if (!flags.state_dir.empty()) {
    path = flags.state_dir;
  }
  if (path.empty()) {
    path = default_state_dir(machine);
  }
  std::error_code error;
  auto absolute = std::filesystem::absolute(path, error);
  if (error) {
    return failure(ErrorCode::bad_config,
                   "state directory " + path.string() + ": " + error.message());
  }
  return absolute.lexically_normal();
}

Result<void> read_log(const Flags& flags,
                      const Machine& machine,
                      runtime::Options options,
                      Config& config) {
  using runtime::LogSink;
  const std::size_t level = options.choice("level", {"debug", "info", "warning", "error"}, 1);
  config.log_level = static_cast<runtime::LogLevel>(level);
  std::size_t form = options.choice("form", {"auto", "terminal", "journal"}, 0);
  if (!flags.log_level.empty()) {
    STEWARD_TRY(config.log_level, runtime::parse_log_level(flags.log_level));
  }
  if (!flags.log_form.empty()) {
    form = flags.log_form == "terminal" ? 1 : flags.log_form == "journal" ? 2 : 0;
  }
  const bool journal = form == 2 || (form == 0 && machine.under_systemd);
  config.log_form = journal ? LogSink::Form::journal : LogSink::Form::terminal;
  return {};
}

}  // namespace

Machine this_machine() {
  std::array<char, 256> hostname{};
  ::gethostname(hostname.data(), hostname.size() - 1);
  return {
      .hostname = hostname.data(),
      .is_root = ::geteuid() == 0,
      .under_systemd =
          !environment("INVOCATION_ID").empty() || !environment("JOURNAL_STREAM").empty(),
      .xdg_state_home = environment("XDG_STATE_HOME"),
      .home = environment("HOME"),
  };
}

Result<Config> read_config(const Flags& flags, const Machine& machine) {
  runtime::Options options;
  if (!flags.config.empty()) {
    STEWARD_TRY(options, runtime::Options::load(flags.config));
  }
  STEWARD_TRY(auto name, unit_name(flags, machine, options));
  STEWARD_TRY(auto directory, state_dir(flags, machine, options));
  STEWARD_TRY(auto addresses, brokers(flags, options));
  Config config{.node = std::move(name),
                .brokers = std::move(addresses),
                .state_dir = std::move(directory),
                .options = options};
  config.credentials = options.text("credentials");
  config.renewal =
      options.text("renewal", (config.credentials.parent_path() / "renewal.creds").string());
  config.trust = runtime::read_trust(options, config.state_dir);
  config.tls = runtime::read_tls(options, config.state_dir);
  config.storage_bytes = static_cast<std::size_t>(options.section("storage").integer(
      "max_bytes", static_cast<std::int64_t>(config.storage_bytes), kLeastStorage, kMostStorage));
  if (auto read = read_log(flags, machine, options.section("log"), config); !read) {
    return tl::unexpected(std::move(read).error());
  }
  return config;
}

}  // namespace steward::edge
