#pragma once

#include "subjects/bus/jetstream.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::station {

inline constexpr std::string_view kCommands = "COMMANDS";
inline constexpr std::string_view kState = "STATE";
inline constexpr std::string_view kLogs = "LOGS";
inline constexpr std::string_view kMetrics = "METRICS";

// Where the lease of each station is kept: a KV bucket, the stream behind it, a station's key.
inline constexpr std::string_view kLeaseBucket = "steward";
inline constexpr std::string_view kLeaseStream = "KV_steward";

inline std::string lease_key(const std::string& station) { return "lease-" + station; }

// What of the broker's streams is decided by the configuration.
struct StreamSettings {
  int replicas = 1;
  std::chrono::hours age{24 * 30};
  std::vector<std::string> commands;  // further methods whose commands are recorded
  std::vector<std::string> events;    // and whose events are
  // Bytes of each stream; 0: by `space`.
  std::int64_t commands_bytes = 0;
  std::int64_t state_bytes = 0;
  std::int64_t logs_bytes = 0;
  std::int64_t metrics_bytes = 0;
  // What the broker may use of its disk; 0 where that is not known.
  std::uint64_t space = 0;
};

// The streams as they are to be, the most needed first. All of them together take less than
// `space`: a stream that is full refuses or drops, but a disk that is full ends JetStream. Pure.
std::vector<bus::StreamConfig> wanted_streams(const StreamSettings& settings);

// Makes the streams, brings their settings in line, and makes them again where the broker has lost
// them. A state machine: time is passed in. One thread.
class StreamKeeper {
 public:
  using Steady = bus::JetStream::Steady;

  struct Callbacks {
    // The stream of that name is there.
    std::function<void(const std::string& stream)> ready;
    // Something that people should know, as often as it is so.
    std::function<void(std::string)> complain;
    // A stream was made or changed.
    std::function<void(std::string)> said;
  };

  StreamKeeper(bus::JetStream& jetstream,
               std::vector<bus::StreamConfig> wanted,
               Callbacks callbacks);

  void link(bool up, Steady now);

  // It was found to be missing.
  void missing(const std::string& stream, Steady now);

  void tick(Steady now);

  std::optional<Steady> next_deadline() const;

 private:
  struct Kept {
    bus::StreamConfig wanted;
    bool asking = false;
    Steady next{};
    std::chrono::milliseconds backoff{};
  };

  void look(Kept& kept, Steady now);
  void found(Kept& kept, const bus::StreamInfo& info);
  void make(Kept& kept);
  void change(Kept& kept);
  void settled(Kept& kept);
  void failed(Kept& kept, std::string_view doing, const Error& error);

  bus::JetStream& jetstream_;
  const Callbacks callbacks_;
  std::vector<Kept> streams_;
  bool up_ = false;
};

}  // namespace steward::station
