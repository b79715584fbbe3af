#include "edge/resender.hpp"

#include <algorithm>
#include <chrono>

namespace steward::edge {

Resender::Resender(runtime::Loop& loop,
                   bus::Outbox& outbox,
                   bus::Bus& bus,
                   const runtime::Clock& clock)
    : loop_(loop), outbox_(outbox), bus_(bus), clock_(clock), timer_(loop, [this] {
        send_due();
      }) {}

void Resender::recorded() {
  if (!waiting_.exchange(true)) {
    loop_.post([this] { wait(); });
  }
}

void Resender::send_again(std::uint64_t from) {
  outbox_.send_again(from, clock_.steady());
  waiting_ = true;
  send_due();
}

void Resender::send_due() {
  if (bus_.status().state != bus::LinkState::up) {
    return;  // the next connect calls send_again(); `waiting_` stays, so nobody wakes us before
  }
  for (const auto& message : outbox_.due(clock_.steady())) {
    if (!bus_.publish(message)) {
      break;  // what is not out stays kept, and its turn comes again
    }
  }
  wait();
}

void Resender::wait() {
  auto next = outbox_.next_due();
  if (!next) {
    waiting_ = false;
    // Between the two lines above somebody may have found `waiting_` still set.
    next = outbox_.next_due();
    if (!next || waiting_.exchange(true)) {
      return;
    }
  }
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(*next - clock_.steady());
  timer_.start(std::max(delay, std::chrono::milliseconds(0)));
}

}  // namespace steward::edge
