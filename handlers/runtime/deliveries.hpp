#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/loop.hpp"
#include "subjects/bus/bus.hpp"
#include "subjects/bus/jetstream.hpp"
#include "subjects/bus/mailbox.hpp"

#include <functional>
#include <memory>

namespace steward::runtime {

// Messages that wait for the broker's acknowledgement, on an inbox of this unit's. Its end forgets
// them: nobody is called any more. On the loop's thread.
class Deliveries {
 public:
  using Then = std::function<void(Result<void>)>;

  Deliveries(Loop& loop, bus::Bus& bus, const Clock& clock);
  ~Deliveries();
  Deliveries(const Deliveries&) = delete;
  Deliveries& operator=(const Deliveries&) = delete;

  // `then` comes later, once. Errors to it: Publisher::deliver()'s.
  void send(bus::Message message, Then then);

  // Gives it that error, later.
  void refuse(Error error, Then then);

  // Another connection than that on which the earlier ones went out: these are not answered.
  void link_up();

 private:
  void later(std::function<void()> function);
  void take_answers();
  void look();

  Loop& loop_;
  bus::Bus& bus_;
  const Clock& clock_;
  bus::JetStream jetstream_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted
  bus::Mailbox<bus::Message> answers_;
  Timer deadline_;
  std::unique_ptr<bus::Subscription> hearing_;  // last: it fills the mailbox
};

}  // namespace steward::runtime
