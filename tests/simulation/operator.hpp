#pragma once

#include "subjects/bus/channel.hpp"
#include "subjects/wire/names.hpp"
#include "tests/simulation/clock.hpp"
#include "tests/simulation/world.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::simulation {

// Somebody who gives commands, and gives each again until the broker's stream has it.
class Operator {
 public:
  explicit Operator(World& world);

  struct Given {
    wire::MessageId id;
    std::string unit;  // "@all" for a broadcast
    std::optional<wire::MessageId> cancels;
    bool repeatable = false;
    bool expires_soon = false;
    bool stored = false;  // the broker has said so
    bus::Message message;
  };

  struct Order {
    std::string unit;
    std::chrono::milliseconds takes{100};
    bool repeatable = false;
    std::chrono::milliseconds expires = std::chrono::hours(1);
    std::optional<wire::MessageId> cancels = std::nullopt;
  };

  const Given& give(const Order& order);

  // An id that nobody has given yet, to be given later.
  wire::MessageId reserve();
  const Given& give_reserved(const wire::MessageId& id, const Order& order);

  // The same bytes once more, also of what is stored.
  void repeat(const wire::MessageId& id);

  const std::vector<std::unique_ptr<Given>>& given() const { return given_; }

 private:
  void insist(Given& given);
  void hear(const bus::Message& message);

  World& world_;
  NodeClock clock_;
  const bus::Channel channel_;
  Link link_;
  std::vector<std::unique_ptr<Given>> given_;
  std::unique_ptr<bus::Subscription> hearing_;
};

}  // namespace steward::simulation
