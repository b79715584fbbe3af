#pragma once

#include "subjects/wire/error.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace steward::ctl {

// What a nats-server says of itself before any login.
struct BrokerInfo {
  std::string version;
  std::string name;
  std::int64_t max_payload = 0;
  bool jetstream = false;
  bool auth_required = false;
  bool tls_required = false;
};

struct Address {
  std::string host;
  std::string port;

  bool operator==(const Address&) const = default;
};

// Of "nats://user:pass@host:4222", the port 4222 where none is named. Errors: bad_config.
[[nodiscard]] Result<Address> parse_address(std::string_view url);

// The line "INFO {...}". Errors: bad_payload.
[[nodiscard]] Result<BrokerInfo> parse_info(std::string_view line);

// Connects, reads that line, hangs up. Errors: unavailable, timed_out, bad_payload (another service
// listens there).
[[nodiscard]] Result<BrokerInfo> read_broker_info(const Address& address,
                                                  std::chrono::milliseconds timeout);

}  // namespace steward::ctl
