#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/loop.hpp"
#include "subjects/bus/bus.hpp"
#include "subjects/bus/journal.hpp"
#include "subjects/bus/outbox.hpp"

#include <atomic>
#include <vector>

namespace steward::edge {

// Sends the outbox's events again when they are due; their bytes come from storage, some at a time.
// On the main loop, but for what says otherwise.
class Resender {
 public:
  struct Parts {
    runtime::Loop& loop;
    bus::Outbox& outbox;
    bus::Journal& journal;
    bus::Bus& bus;
    const runtime::Clock& clock;
  };

  explicit Resender(Parts parts);

  // Any thread: something has gone into the outbox. Costs nothing while the timer runs.
  void recorded();

  // The outbox has something due now.
  void look();

 private:
  void send_due();
  void send(const std::vector<bus::Message>& messages);
  void wait();

  const Parts parts_;
  // The timer runs, or the next connect will start it.
  std::atomic<bool> waiting_{false};
  bool reading_ = false;
  runtime::Timer timer_;
};

}  // namespace steward::edge
