#pragma once

#include "subjects/bus/mutex.hpp"
#include "subjects/bus/nats_bus.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace steward::tests {

// Options for a bus on that server whose backoff and pings are short enough for a test.
inline bus::NatsOptions quick_options(const NatsServer& server) {
  bus::NatsOptions options;
  options.servers = {server.url()};
  options.first_backoff = std::chrono::milliseconds(10);
  options.longest_backoff = std::chrono::milliseconds(200);
  return options;
}

// What a sink has heard, for the test's thread to look at.
class Heard {
 public:
  bus::Bus::Sink sink() {
    return [this](bus::Message&& message) {
      const bus::Lock lock(mutex_);
      messages_.push_back(std::move(message));
    };
  }

  std::size_t count() const {
    const bus::Lock lock(mutex_);
    return messages_.size();
  }

  std::vector<bus::Message> messages() const {
    const bus::Lock lock(mutex_);
    return messages_;
  }

 private:
  mutable bus::Mutex mutex_;
  std::vector<bus::Message> messages_ STEWARD_GUARDED_BY(mutex_);
};

inline bus::Message message(std::string subject, std::string payload = "") {
  return bus::Message{std::move(subject), {}, std::move(payload), {}};
}

}  // namespace steward::tests
