#pragma once

#include "steward/fold.hpp"
#include "steward/recall.hpp"
#include "steward/redelivery.hpp"
#include "steward/store.hpp"
#include "subjects/bus/channel.hpp"
#include "tests/simulation/station.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace steward::simulation {

// From one start of the station to its end.
class Station::Life {
 public:
  Life(World& world,
       NodeClock& clock,
       const std::filesystem::path& file,
       const Timeline::Steady& disk_fails_until);
  ~Life();
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  void start();

  std::map<std::string, OnUnit> command(const wire::MessageId& id);

  std::size_t undelivered() const { return redelivery_.size(); }

 private:
  struct Cursor {
    Broker::Stream stream;
    std::string name;
    bus::StreamPosition last;
    bool following = false;
    std::uint64_t goal = 0;  // the stream's last one when it was connected to
  };

  station::Moment now() const { return {clock_.steady(), clock_.now()}; }

  void after(std::chrono::milliseconds delay, std::function<void()> step);
  void link_changed(bus::LinkState state);
  void attach(Cursor& cursor);
  void follow_soon();
  void follow();
  bool caught_up() const;
  bool acting() const;
  void restore(const station::Store::Kept& kept);
  void heard();
  void commit_soon();
  void commit();
  void committed(const station::Batch& batch);
  void acknowledge(const station::Batch& batch);
  void tick();
  void redeliver();
  void send(const station::Redelivery::Send& next);
  void say(const std::string& subject, std::string payload);

  World& world_;
  NodeClock& clock_;
  const Timeline::Steady& disk_fails_until_;
  const wire::NodeName node_;
  const bus::Channel channel_;
  Link link_;
  std::unique_ptr<station::Store> store_;
  station::Fold fold_;
  station::Redelivery redelivery_;
  station::Recall recall_;
  std::array<Cursor, 2> cursors_;
  bool commit_arranged_ = false;
  bool follow_arranged_ = false;
  bool was_acting_ = false;
  std::map<std::string, Timeline::Steady> returned_;
  std::vector<std::unique_ptr<bus::Subscription>> subscriptions_;
  std::shared_ptr<Life*> token_;
};

}  // namespace steward::simulation
