#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/loop.hpp"
#include "subjects/bus/bus.hpp"
#include "subjects/bus/outbox.hpp"

#include <atomic>
#include <cstdint>

namespace steward::edge {

// Sends the outbox's events again when they are due. On the main loop, but for what says otherwise.
class Resender {
 public:
  Resender(runtime::Loop& loop, bus::Outbox& outbox, bus::Bus& bus, const runtime::Clock& clock);

  // Any thread: something has gone into the outbox. Costs nothing while the timer runs.
  void recorded();

  // Everything kept from that number on, now.
  void send_again(std::uint64_t from);

 private:
  void send_due();
  void wait();

  runtime::Loop& loop_;
  bus::Outbox& outbox_;
  bus::Bus& bus_;
  const runtime::Clock& clock_;
  // The timer runs, or the next connect will start it.
  std::atomic<bool> waiting_{false};
  runtime::Timer timer_;
};

}  // namespace steward::edge
