#pragma once

#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/processes.hpp"
#include "subjects/wire/error.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::station {

// Where nats-server may be: the folders of a PATH, then Debian's own place, which is in no user's
// PATH.
std::vector<std::filesystem::path> nats_server_folders(std::string_view path_variable);

// Errors: not_found, naming the package and the way around.
[[nodiscard]] Result<std::filesystem::path> find_nats_server(
    const std::vector<std::filesystem::path>& folders);

// What of a broker's configuration is decided here.
struct BrokerConfig {
  std::string server_name;
  std::filesystem::path folder;       // of its store and its port file
  std::optional<std::uint16_t> port;  // none: one that is free
  std::uint64_t store_bytes = 0;      // that its streams may take in all
  std::string logins;                 // who may use it, as it writes that; empty: everybody may
};

// What the streams may take on a partition with so much free beside what they take already: less
// than there is, for a JetStream that has filled its disk does not come back by itself. Pure.
std::uint64_t store_limit(std::uint64_t free_bytes, std::uint64_t used_bytes);

// The text of a configuration for nats-server. Pure.
std::string nats_server_config(const BrokerConfig& config);

// The port in the text of a port file; none while that is not whole. Pure.
std::optional<std::uint16_t> parse_ports_file(std::string_view text);

// A nats-server of the station's own: on 127.0.0.1 only, its files below one folder, ended with us,
// and started again for ever, on the same port, where it crashes. One loop's thread.
class Broker {
 public:
  struct Settings {
    std::string server_name;
    std::filesystem::path folder;                    // made at need
    std::vector<std::filesystem::path> where_found;  // see nats_server_folders()
    std::uint16_t preferred_port = 4222;             // taken where it is free
    std::filesystem::path logins;  // who may use it, as it writes that; empty: everybody may
  };

  struct Callbacks {
    // It takes connections, at this address ("nats://127.0.0.1:4222"). Each time it comes up.
    std::function<void(const std::string& url)> ready;
    // The first start has failed. Later failures are tried again for ever.
    std::function<void(const Error&)> failed;
  };

  Broker(Settings settings,
         runtime::Loop& loop,
         runtime::Processes& processes,
         runtime::Logger log,
         Callbacks callbacks);

  // Kills it, if stop() has not ended it.
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Errors: not_found (no nats-server), permission, no_space, io (its folder), exec_failed.
  [[nodiscard]] Result<void> start();

  // TERM, and KILL 5 s later; `stopped` is called once it has ended.
  void stop(std::function<void()> stopped);

  // Ends a broker that runs and does not work, as stop() does; it is started again. One that has
  // not been up for `least` is given its time.
  void restart(std::string_view why, std::chrono::milliseconds least);

  // Lets a broker that runs read anew who may use it, where that has changed; it cuts off whoever
  // may not any more. Errors: those of files, io (it could not be told).
  [[nodiscard]] Result<void> reload_logins();

  // What its streams may take, as its configuration says.
  std::uint64_t store_bytes() const { return store_bytes_; }

  // Of the process that runs now, for tests and for people.
  std::optional<pid_t> pid() const;

  // "2.9.10", once it has said so.
  const std::string& version() const { return version_; }

 private:
  Result<void> launch();
  Result<void> write_config();
  Result<std::string> read_logins() const;
  void look_for_port();
  void read_log();
  void log_line(std::string_view line);
  void exited(const runtime::ExitStatus& status);
  std::filesystem::path ports_file() const;
  void end_child();

  const Settings settings_;
  runtime::Loop& loop_;
  runtime::Processes& processes_;
  const runtime::Logger log_;
  const Callbacks callbacks_;

  std::filesystem::path binary_;
  std::optional<std::uint16_t> port_;  // that it is to take; none: any free one
  bool was_ready_ = false;             // once in this object's life
  bool is_ready_ = false;
  std::chrono::milliseconds backoff_;
  std::chrono::steady_clock::time_point ready_since_;
  std::chrono::steady_clock::time_point launched_;
  std::string version_;
  std::string last_words_;  // its last line of error
  std::string partial_line_;
  std::uint64_t store_bytes_ = 0;
  BrokerConfig config_;  // as the one that runs was started, or has read it since
  std::chrono::milliseconds slow_start_{};  // so long its start may take
  bool restarting_ = false;
  std::function<void()> stopped_;

  runtime::Fd log_pipe_;
  std::unique_ptr<runtime::FdWatcher> log_watcher_;
  runtime::Timer restart_timer_;
  runtime::Timer port_timer_;
  std::unique_ptr<runtime::Child> child_;
};

}  // namespace steward::station
