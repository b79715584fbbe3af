#pragma once

#include "subjects/bus/interest.hpp"
#include "subjects/bus/mutex.hpp"
#include "subjects/bus/nats_bus.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace steward::bus {

// One connection to a broker, from its making to its loss; it never comes back. Every function may
// be called from any thread.
class NatsConnection {
 public:
  enum class Trouble {
    overrun,  // messages came faster than they were taken: some were dropped
    denied,   // the broker refused a publish or a subscription
    garbled,  // a message whose headers cannot be read was dropped
    other,
  };

  // Called on threads of the library's; must not block.
  struct Events {
    std::function<void(std::string why)> lost;  // once at the least, after the last message
    std::function<void(Trouble trouble, std::string text)> trouble;
  };

  // Tries each server once, 2 s each. Errors: unavailable, permission (the broker knows us not),
  // bad_config (a file of keys or certificates).
  [[nodiscard]] static Result<std::shared_ptr<NatsConnection>> connect(const NatsOptions& options,
                                                                       Events events);

  ~NatsConnection();
  NatsConnection(const NatsConnection&) = delete;
  NatsConnection& operator=(const NatsConnection&) = delete;

  // Writes a message; waits while the kernel's buffer is full, at most two ping intervals, after
  // which it is given up. Errors: as Bus::publish.
  [[nodiscard]] Result<void> publish(const Message& message);

  // Delivers what comes on the interest's subject to it, until the returned function is called or
  // the connection is lost. Errors: unavailable.
  [[nodiscard]] Result<std::function<void()>> hear(const std::shared_ptr<Interest>& interest);

  // Waits for the broker to answer, having taken all that was written. Errors: unavailable,
  // timed_out.
  [[nodiscard]] Result<std::chrono::microseconds> ping(std::chrono::milliseconds timeout);

  // Ends it, and with `unavailable` what waits on it.
  void close();

  // "nats://127.0.0.1:4222", without a login.
  std::string broker() const;

 private:
  class Handle;
  explicit NatsConnection(std::unique_ptr<Handle> handle);

  std::unique_ptr<Handle> handle_;
  Mutex writing_;
  bool broken_ STEWARD_GUARDED_BY(writing_) = false;
};

}  // namespace steward::bus
