#pragma once

#include "steward/inbox.hpp"
#include "steward/moment.hpp"
#include "steward/streams.hpp"
#include "subjects/bus/bus.hpp"
#include "subjects/bus/follower.hpp"
#include "subjects/bus/jetstream.hpp"
#include "subjects/bus/lease.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace steward::station {

// All that the station has to do with the broker's JetStream: keeps the streams, follows COMMANDS
// and STATE, holds the lease or waits for it. Gives out the messages of both streams one by one,
// while it catches up in the order of their time: whom a broadcast concerned is told by what came
// before it. One thread, but for what the bus calls.
class Following {
 public:
  using Steady = bus::JetStream::Steady;

  struct Settings {
    std::string station;  // name of the lease
    std::string holder;   // who we are, the same after a restart
    std::string session;  // of this process: an id
    StreamSettings streams;
  };

  struct Links {
    std::function<void()> wake;                      // any thread: drain() has something to do
    std::function<void(std::string)> said;           // for the log and the history
    std::function<void(std::string_view)> complain;  // as often as it is so
  };

  // `positions`: what an earlier run has committed, by stream.
  Following(bus::Bus& bus,
            Settings settings,
            const std::map<std::string, bus::StreamPosition>& positions,
            Links links);
  ~Following();
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;

  // Begins to hear the answers of JetStream. Errors: as Bus::subscribe.
  [[nodiscard]] Result<void> start();

  void link(bool up, Steady now);

  // Takes what has come.
  void drain(Steady now);

  void tick(Steady now);

  // A message to fold.
  struct Item {
    bus::Message message;
    std::string_view stream;
    bus::StreamPosition position;
    bool fresh = false;  // it came when all that there was had come
  };

  // The next one, if there is one now. The one before it is done with.
  std::optional<Item> next(Steady now);

  // Whether anything that came waits for next().
  bool waiting() const;

  // All that the streams held when they were last connected to was given out.
  bool caught_up() const;

  bool holds_lease(Steady now) const { return lease_.held(now); }

  // Nothing is heard any more; gives up the lease, for the next one.
  void stop(Steady now);

  // Since when nothing could be written to JetStream.
  std::optional<Steady> failing_since() const { return lease_.failing_since(); }

  const std::string& trouble() const { return lease_.trouble(); }

  // When tick() has something to do at the latest.
  std::optional<Steady> next_deadline() const;

  // For people: a JSON object.
  std::string status(Steady now) const;

  std::uint64_t dropped() const;

 private:
  struct Entry {
    bus::Message message;
    bus::Follower::Taken taken;
  };

  struct Stream {
    std::unique_ptr<Inbox> inbox;
    std::unique_ptr<bus::Follower> follower;
    std::deque<Entry> entries;      // given out from the front; a pause is never at the front
    std::size_t stale = 0;          // of the entries: those that had to be caught up with
    std::optional<Steady> awaited;  // since when another waits for its next message
  };

  void take(Stream& stream, Steady now);
  void pass_pauses(Stream& stream);
  bool must_wait_for(Stream& other, Steady now);

  bus::Bus& bus_;
  const Settings settings_;
  const Links links_;
  Inbox answers_;
  bus::JetStream jetstream_;
  std::unique_ptr<bus::Subscription> hearing_;
  std::array<Stream, 2> streams_;
  StreamKeeper keeper_;
  bus::Lease lease_;
};

}  // namespace steward::station
