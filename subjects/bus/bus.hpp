#pragma once

#include "subjects/bus/message.hpp"
#include "subjects/wire/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace steward::bus {

enum class LinkState { connecting, up, closed };

// How the connection to the broker is.
struct LinkStatus {
  LinkState state = LinkState::connecting;
  std::string broker;                            // its address, while up
  std::optional<std::chrono::microseconds> rtt;  // last measured, while up
  std::uint64_t connects = 0;                    // how often the link came up
  std::string last_error;                        // why it is not up, or the last trouble
  std::uint64_t overruns =
      0;                      // how often messages came faster than sinks took them: some were lost
  std::uint64_t denials = 0;  // publishes and subscriptions that the broker did not permit
  std::uint64_t garbled = 0;  // messages dropped because their headers cannot be read
};

// An interest in a subject; its end is the destructor's. Once that has returned, the sink is not
// called again.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

// Messages in and out. Every function may be called from any thread.
class Bus {
 public:
  // Called on the bus's own threads: move the message into a mailbox, nothing else. Header values
  // of one name are in their order; the order of different names may be lost on the way.
  using Sink = std::function<void(Message&&)>;

  virtual ~Bus() = default;

  // Hands a message to the broker's connection. Errors: unavailable (no link now: nothing was
  // sent), too_large, bad_subject.
  [[nodiscard]] virtual Result<void> publish(const Message& message) = 0;

  // Hears a subject, wildcards allowed, now and after every reconnect. Errors: bad_subject.
  [[nodiscard]] virtual Result<std::unique_ptr<Subscription>> subscribe(const std::string& subject,
                                                                        Sink sink) = 0;

  // A subject that only this connection hears, for answers.
  virtual std::string new_inbox() = 0;

  virtual LinkStatus status() const = 0;

  // Waits until the broker has taken all that was published. Errors: unavailable, timed_out.
  [[nodiscard]] virtual Result<void> flush(std::chrono::milliseconds timeout) = 0;
};

}  // namespace steward::bus
