#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "steward/batch.hpp"
#include "steward/recall.hpp"
#include "steward/redelivery.hpp"
#include "steward/store.hpp"
#include "subjects/bus/bus.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::station {

// Carries commands to units that have missed them: drives Redelivery and Recall, takes the bytes
// from the store and publishes them. On the fold's thread.
class Courier {
 public:
  struct Surroundings {
    runtime::Loop& loop;
    const runtime::Clock& clock;
    bus::Bus& bus;
    Store& store;
    runtime::Logger log;
    std::function<bool(std::string_view unit)> is_there;  // as far as is known
    // Sends a message of the station's own.
    std::function<void(const std::string& subject, std::string payload)> say;
  };

  explicit Courier(Surroundings surroundings);

  // What an earlier run has left.
  void restore(const Store::Kept& kept);

  // What of commands is on disk now.
  void committed(const Batch& batch);

  // Units have spoken.
  void hear(const std::vector<Recall::Hello>& hellos, const std::vector<std::string>& returned);

  // Sends nothing before the first and after the second of these.
  void begin();
  void cease();

  // (command, unit) pairs without a word, and how many messages were sent again.
  std::size_t undelivered() const { return redelivery_.size(); }

  std::uint64_t sent_again() const { return sent_again_; }

 private:
  Moment now() const;
  void pump();
  void arm();
  bool send(const Redelivery::Send& send);

  const Surroundings around_;
  Redelivery redelivery_;
  Recall recall_;
  runtime::Timer timer_;
  bool acting_ = false;
  std::uint64_t sent_again_ = 0;
};

}  // namespace steward::station
