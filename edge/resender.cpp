#include "edge/resender.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace steward::edge {

Resender::Resender(Parts parts) : parts_(parts), timer_(parts.loop, [this] { send_due(); }) {}

void Resender::recorded() {
  if (!waiting_.exchange(true)) {
    parts_.loop.post([this] { wait(); });
  }
}

void Resender::look() {
  waiting_ = true;
  send_due();
}

void Resender::send_due() {
  if (parts_.bus.status().state != bus::LinkState::up) {
    return;  // the next connect calls look(); `waiting_` stays, so nobody wakes us before
  }
  if (reading_) {
    return;  // send() goes on
  }
  auto positions = parts_.outbox.due(parts_.clock.steady());
  if (positions.empty()) {
    return wait();
  }
  reading_ = true;
  parts_.journal.read([this, positions = std::move(positions)](bus::Storage& storage) {
    std::vector<bus::Message> messages;
    for (const auto& position : positions) {
      // What is not there any more has been acknowledged; what cannot be read has its turn again.
      if (auto found = storage.event(position); found && *found) {
        messages.push_back(**std::move(found));
      }
    }
    parts_.loop.post([this, messages = std::move(messages)] { send(messages); });
  });
  parts_.journal.wake();
}

void Resender::send(const std::vector<bus::Message>& messages) {
  reading_ = false;
  for (const auto& message : messages) {
    if (!parts_.bus.publish(message)) {
      break;  // what is not out stays kept, and its turn comes again
    }
  }
  wait();
}

void Resender::wait() {
  auto next = parts_.outbox.next_due();
  if (!next) {
    waiting_ = false;
    // Between the two lines above somebody may have found `waiting_` still set.
    next = parts_.outbox.next_due();
    if (!next || waiting_.exchange(true)) {
      return;
    }
  }
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(*next - parts_.clock.steady());
  timer_.start(std::max(delay, std::chrono::milliseconds(0)));
}

}  // namespace steward::edge
