#pragma once

#include "subjects/bus/bus.hpp"

#include <memory>
#include <vector>

namespace steward::bus {

// A bus inside one process, for tests: delivers on the publisher's thread, in order, by NATS's
// rules for wildcards, and can lose its link.
class MemoryBus final : public Bus {
 public:
  MemoryBus();
  ~MemoryBus() override;

  Result<void> publish(const Message& message) override;
  Result<std::unique_ptr<Subscription>> subscribe(const std::string& subject, Sink sink) override;
  std::string new_inbox() override;
  LinkStatus status() const override;
  Result<void> flush(std::chrono::milliseconds timeout) override;

  // Takes the link away or gives it back: without it, publish fails with `unavailable`.
  void set_link(LinkState state);

  // All that was published, in order.
  std::vector<Message> published() const;

 private:
  struct Hub;
  std::shared_ptr<Hub> hub_;
};

}  // namespace steward::bus
