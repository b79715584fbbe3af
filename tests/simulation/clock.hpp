#pragma once

#include "handlers/runtime/context.hpp"
#include "subjects/bus/channel.hpp"
#include "tests/simulation/random.hpp"
#include "tests/simulation/timeline.hpp"

#include <chrono>

namespace steward::simulation {

// The clocks of one machine: its wall clock may be off, and step.
class NodeClock final : public runtime::Clock {
 public:
  NodeClock(const Timeline& timeline, Random& random) : timeline_(timeline), random_(random) {}

  wire::Timestamp now() const override { return timeline_.wall() + ahead_; }

  Timeline::Steady steady() const override { return timeline_.now(); }

  wire::MessageId new_id() override { return id(now()); }

  bus::Channel::NewId ids() {
    return [this](wire::Timestamp at) { return id(at); };
  }

  void step(std::chrono::microseconds ahead) { ahead_ = ahead; }

 private:
  wire::MessageId id(wire::Timestamp at) {
    wire::MessageId::Randomness randomness{};
    for (auto& byte : randomness) {
      byte = static_cast<std::uint8_t>(random_.next());
    }
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch());
    return wire::MessageId::make(static_cast<std::uint64_t>(since.count()), randomness);
  }

  const Timeline& timeline_;
  Random& random_;
  std::chrono::microseconds ahead_{0};
};

}  // namespace steward::simulation
