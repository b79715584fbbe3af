#pragma once

#include "handlers/runtime/options.hpp"
#include "handlers/syslogforwarding/condition.hpp"
#include "handlers/syslogforwarding/sources/tls.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace steward::handlers::syslogforwarding {

struct Settings {
  std::vector<std::string> files;    // globs
  std::vector<std::string> exclude;  // globs of those that are not meant
  std::string daemons;               // a folder each for daemons whose output is this domain's
  bool from_end = false;             // files that are there at the very first start
  std::vector<std::string> unix_sockets, udp, tcp, tls;
  TlsFiles tls_files;
  bool journal = false;
  std::string journal_dir;                  // empty: this machine's
  std::string kernel;                       // "/dev/kmsg"; empty: not read
  std::optional<wire::Pattern> first_line;  // of an entry of several lines in a file

  std::size_t line_bytes = std::size_t{64} * 1024;  // longer lines are cut
  std::size_t batch_bytes = std::size_t{256} * 1024;
  std::chrono::milliseconds batch_time{1'000};  // how long a line waits for others
  std::size_t spool_bytes = std::size_t{256} * 1024 * 1024;
  std::chrono::milliseconds rotate_time{
      5'000};  // how long a file is watched that has lost its name

  double rate = 0;  // lines a second for each domain and severity above 3; 0: no limit
  std::vector<Route> routes;

  bool running = true;
  Condition filter;

  // Beside daemons, which may come later.
  bool has_sources() const {
    return !files.empty() || !unix_sockets.empty() || !udp.empty() || !tcp.empty() ||
           !tls.empty() || journal || !kernel.empty();
  }
};

// Those of the configuration.
Settings read_options(runtime::Options options);

// With what a command has set over them, in that folder. Errors: io, permission, bad_payload.
[[nodiscard]] Result<Settings> load_settings(const std::filesystem::path& folder, Settings below);

// Keeps what a command can set: `running` and `filter`. On disk when it returns. Errors: io,
// no_space, permission.
[[nodiscard]] Result<void> save_settings(const std::filesystem::path& folder,
                                         const Settings& settings);

}  // namespace steward::handlers::syslogforwarding
