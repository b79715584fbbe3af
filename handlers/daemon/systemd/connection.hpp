#pragma once

#include "handlers/runtime/loop.hpp"
#include "subjects/wire/error.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

struct sd_bus_message;

namespace steward::handlers::daemon {

struct SdBus;

// The connection to systemd by the system's D-Bus, made again whenever it breaks. Values that come
// are JSON: a dictionary is an object, a struct and an array are arrays. All on its loop's thread;
// callbacks come from the loop, never from within a call.
class Connection {
 public:
  struct Listener {
    // There is a connection, or systemd has started anew below it: what is known of it is old.
    std::function<void()> fresh;
    std::function<void(const std::string& why)> lost;
  };

  struct Call {
    std::string path = "/org/freedesktop/systemd1";
    std::string interface = "org.freedesktop.systemd1.Manager";
    std::string member;
    // Appends the arguments; below 0: an errno.
    std::function<int(const SdBus&, sd_bus_message*)> fill;
    std::chrono::milliseconds timeout{25'000};
  };

  // The values of a reply, or why there is none.
  using Reply = std::function<void(const Error*, const nlohmann::json&)>;
  using Signal = std::function<void(const nlohmann::json&)>;

  // `address`: "unix:path=..."; empty: the system's own.
  Connection(runtime::Loop& loop, std::string address, Listener listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Connects, and keeps on trying. Errors: unsupported (no libsystemd).
  [[nodiscard]] Result<void> open();

  bool up() const { return up_; }

  // Errors of the reply: unavailable (nobody is there, now), not_found, permission, conflict (the
  // unit is masked), unsupported, timed_out, exec_failed (what systemd says).
  void call(const Call& call, Reply reply);

  // Signals of systemd with that member on that path, as long as there is a connection; once more
  // behind a new one.
  std::uint64_t watch(const std::string& path,
                      const std::string& interface,
                      const std::string& member,
                      Signal signal);
  void unwatch(std::uint64_t id);

 private:
  struct Bus;
  struct Pending;
  struct Match;

  void connect();
  void subscribe();
  void add_match(Match& match);
  void pump();
  void drop(const std::string& why);

  runtime::Loop& loop_;
  const std::string address_;
  const Listener listener_;
  const SdBus* api_ = nullptr;
  std::unique_ptr<Bus> bus_;
  bool up_ = false;
  std::chrono::milliseconds pause_;
  std::uint64_t next_match_ = 1;
  std::map<std::uint64_t, std::unique_ptr<Match>> matches_;
  std::list<Pending> pending_;
  runtime::Timer reconnect_;
  runtime::Timer timeout_;  // of sd-bus, and for what it has queued
  std::shared_ptr<Connection*> alive_;
};

// The object path of a unit.
std::string unit_path(const std::string& unit);

}  // namespace steward::handlers::daemon
