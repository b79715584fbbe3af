#pragma once

#include "subjects/bus/bus.hpp"
#include "subjects/bus/stream_position.hpp"
#include "tests/simulation/judge.hpp"
#include "tests/simulation/random.hpp"
#include "tests/simulation/timeline.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::simulation {

class Broker;

// One end's connection to the broker. What it publishes arrives in its order, or not at all once
// the link is cut; a cut is noticed later (a half-open link), and publishing seems to work until
// then.
class Link final : public bus::Bus {
 public:
  Link(Broker& broker, std::string name, std::function<void(bus::LinkState)> on_change);
  ~Link() override;

  Result<void> publish(const bus::Message& message) override;
  Result<std::unique_ptr<bus::Subscription>> subscribe(const std::string& subject,
                                                       Sink sink) override;
  std::string new_inbox() override;
  bus::LinkStatus status() const override;
  Result<void> flush(std::chrono::milliseconds timeout) override;

  const std::string& name() const { return name_; }

 private:
  friend class Broker;

  struct Ear;
  struct Life;

  Broker& broker_;
  const std::string name_;
  const std::function<void(bus::LinkState)> on_change_;
  const std::shared_ptr<Life> life_;  // what is under way to this link asks it whether it is there
};

// How badly the broker and the network behave.
struct Weather {
  double lost = 0;   // of deliveries to one who hears
  double twice = 0;  // of them
  std::chrono::milliseconds longest_delay{20};
  std::chrono::milliseconds longest_unnoticed{15'000};  // until a cut is noticed
};

// A NATS broker with two streams as the streams of a broker are: they are there once somebody has
// made them, and may lose their end, or everything, while the broker is away.
class Broker {
 public:
  struct Stored {
    bus::StreamPosition position;
    bus::Message message;
  };

  enum class Stream { commands, state };

  Broker(Timeline& timeline, Random& random, const Weather& weather, Judge& judge);

  // A stream is there from now on.
  void make(Stream stream);

  bool is_made(Stream stream) const { return content(stream).made; }

  // The first message at or behind that number.
  const Stored* read(Stream stream, std::uint64_t from) const;
  const Stored* find(Stream stream, std::uint64_t seq) const;

  std::uint64_t last(Stream stream) const { return content(stream).last; }

  // Whom to tell that a stream has got something; null: nobody.
  void on_stored(std::function<void()> tell) { tell_stored_ = std::move(tell); }

  // Faults. The broker dies, and is back after that time; every link is lost at once.
  void crash(std::chrono::milliseconds away);
  // Its disk had not all: the last so many of each stream are gone. While it is away.
  void lose_tail(std::uint64_t most);
  void forget();
  // A link is cut in one direction or both; noticed later, and back after that time.
  enum class Cut { both, to_broker, from_broker };
  void cut(const std::string& link, Cut how, std::chrono::milliseconds away);

  bool is_up() const { return up_; }

  // The weather turns good: nothing is lost any more, whoever is away comes back.
  void calm();

 private:
  friend class Link;

  struct Content {
    bool made = false;
    std::uint64_t last = 0;
    std::map<std::uint64_t, Stored> messages;
  };

  Content& content(Stream stream) { return streams_[stream == Stream::state ? 1 : 0]; }

  const Content& content(Stream stream) const { return streams_[stream == Stream::state ? 1 : 0]; }

  void join(Link& link);
  void connect(const std::shared_ptr<Link::Life>& life);
  void drop(const std::shared_ptr<Link::Life>& life, std::chrono::milliseconds away);
  void take(bus::Message message);
  void store(const bus::Message& message);
  void deliver(const bus::Message& message);
  void send(const std::shared_ptr<Link::Life>& life, const bus::Message& message);
  Timeline::Steady arrival(Timeline::Steady& last);

  Timeline& timeline_;
  Random& random_;
  Weather weather_;
  Judge& judge_;
  bool up_ = true;
  std::uint64_t life_number_ = 1;  // of the broker
  Content streams_[2];
  std::map<std::string, Timeline::Steady> recent_ids_;
  std::vector<std::weak_ptr<Link::Life>> links_;
  std::uint64_t inboxes_ = 0;
  std::function<void()> tell_stored_;
};

}  // namespace steward::simulation
