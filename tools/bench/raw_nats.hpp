#pragma once

#include "subjects/wire/error.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace steward::bench {

// The peer of the round trip: request and reply with nothing but nats.c on both sides, each sending
// at once (SendAsap). The one place outside subjects/bus that speaks nats.c, because a comparison
// with the bare library must not go through ours.
class RawRequester {
 public:
  // Errors: unavailable.
  [[nodiscard]] static Result<std::unique_ptr<RawRequester>> connect(const std::string& broker);

  ~RawRequester();
  RawRequester(const RawRequester&) = delete;
  RawRequester& operator=(const RawRequester&) = delete;

  // Sends a request to the replier and waits for its answer. Errors: timed_out, unavailable.
  [[nodiscard]] Result<void> request(std::string_view payload, std::chrono::milliseconds timeout);

 private:
  struct Connection;
  explicit RawRequester(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

// Answers requests with their own payload until the process ends. Errors: unavailable.
[[nodiscard]] Result<void> serve_raw_replies(const std::string& broker);

}  // namespace steward::bench
