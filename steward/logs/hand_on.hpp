#pragma once

#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/fd.hpp"
#include "handlers/runtime/log.hpp"
#include "steward/inbox.hpp"
#include "steward/logs/hand_on_store.hpp"
#include "steward/logs/outlet.hpp"
#include "steward/logs/settings.hpp"
#include "subjects/bus/mutex.hpp"
#include "subjects/bus/stream_reader.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace steward::station {

// How a hand-on is.
struct HandOnFigures {
  std::string name;
  std::string to;             // "tls:siem.example:6514", "/var/log/fleet"
  bool up = false;            // the place takes lines, and the broker gives them
  std::uint64_t lines = 0;    // handed on for certain, in this run
  std::uint64_t repeats = 0;  // that had been handed on before, and were left out
  std::uint64_t errors = 0;
  std::string error;                 // the last one, while it lasts
  std::uint64_t position = 0;        // in the stream
  std::chrono::milliseconds lag{0};  // how long the oldest message waits that has come here
};

// Hands the stream LOGS on to one place, for ever: each line at least once, and what is missing is
// said there too. Its cursor moves when the place has the lines for certain; whatever goes wrong,
// it begins again at the cursor. On a thread of its own, which alone waits: for names, disks and
// connections.
class HandOn {
 public:
  // All of these outlive it.
  struct Surroundings {
    bus::Bus& bus;
    runtime::Clock& clock;
    runtime::Logger log;
    std::string station;           // whose hand-on it is
    std::filesystem::path folder;  // for what it keeps on disk
  };

  HandOn(HandOnSettings settings, const Surroundings& surroundings);

  // Stops it.
  ~HandOn();
  HandOn(const HandOn&) = delete;
  HandOn& operator=(const HandOn&) = delete;

  // Errors: permission, no_space, io.
  [[nodiscard]] Result<void> start();

  // Takes no more; stop() then waits a little until the place has what it was given, and ends the
  // thread. Owner's thread.
  void begin_stop();
  void stop();

  // Any thread.
  HandOnFigures figures() const;

 private:
  using Steady = Outlet::Steady;

  // How long a group is filled.
  static constexpr std::chrono::milliseconds kGroupTime{100};

  struct Entry {
    bus::Message message;
    bus::Follower::Taken taken;
  };

  struct Lane {
    LaneCourse course;
    Steady used;
    std::optional<Steady> holes_since;
  };

  // What is read from the broker: made anew, from the cursor on, when something went wrong.
  struct Reading {
    explicit Reading(std::function<void()> wake) : inbox({}, std::move(wake)) {}

    Inbox inbox;
    std::unique_ptr<bus::StreamReader> reader;
    std::deque<Entry> entries;
  };

  void run();
  void turn(Steady now);
  Result<void> work(Steady now);
  Result<void> begin_reading();
  void drain(Steady now);
  Result<void> fill(Steady now);
  Result<void> add(Entry&& entry, Steady now);
  void note_lost_messages(const bus::StreamPosition& position);
  Result<void> add_batch(const LogLane& lane, wire::LogBatch&& batch, Steady now);
  bool meant(const bus::LogItem& item) const;
  void append(std::vector<bus::LogItem>&& items);
  Result<Lane*> lane(const LogLane& lane, Steady now);
  Result<void> settle_holes(Steady now);
  Result<void> give_group(Steady now);
  Result<void> settle(Steady now);
  Result<void> tend(Steady now);
  void failed(const Error& error, Steady now);
  void rewind();
  void tell(Steady now);
  void wait(Steady now);
  void wake() const;

  const HandOnSettings settings_;
  bus::Bus& bus_;
  runtime::Clock& clock_;
  const runtime::Logger log_;
  const std::string station_;
  const std::filesystem::path folder_;
  runtime::Complaint complaint_;
  runtime::Fd wake_;
  std::unique_ptr<HandOnStore> store_;
  std::unique_ptr<Outlet> outlet_;
  std::unique_ptr<Reading> reading_;
  std::uint64_t readings_ = 0;
  std::string session_;
  std::map<LogLane, Lane> lanes_;
  bus::StreamPosition read_;  // of the last message that went into a group
  LogGroup group_;            // being filled
  Steady group_since_{};
  std::deque<LogGroup> given_;  // to the outlet, and not settled; without their lines
  Steady next_try_{};
  std::chrono::milliseconds backoff_;
  Steady next_holes_{};
  Steady next_tending_{};
  HandOnFigures now_;  // the thread's own
  std::atomic<bool> stopping_{false};
  mutable bus::Mutex mutex_;
  HandOnFigures told_ STEWARD_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace steward::station
