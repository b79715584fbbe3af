#pragma once

#include "subjects/wire/error.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace steward::wire {

// Payload of <node>.command.tail.<domain>: show the end of a file, of a systemd unit's
// journal or of a daemon's output, and what is added to it. Neither recorded nor acknowledged: what
// comes is said in events, as long as its viewer says the same command again within the lease.
struct TailRequest {
  enum class Op { follow, stop };
  Op op = Op::follow;
  std::string stream;  // the viewer's name for it, a token; the same again renews the lease
  std::string path;    // of a file; else:
  std::string unit;    // of systemd: "ssh.service"; or:
  std::string daemon;  // one of ours, kept by the daemon handler: "web"
  std::size_t lines = 10;
  bool follow = true;  // else it ends with what is there
  std::chrono::milliseconds lease{30'000};

  bool operator==(const TailRequest&) const = default;
};

std::string encode(const TailRequest& request);

// Errors: bad_payload, unsupported.
[[nodiscard]] Result<TailRequest> decode_tail_request(std::string_view payload);

// Payload of <node>.event.tail.<domain>.
struct TailEvent {
  std::string stream;
  std::uint64_t number = 1;  // of this stream's events: one that is missing was lost on its way
  std::string data;          // whole lines, or a part of one that is very long
  std::string notice;        // what people should know: "the file was cut off"
  bool last = false;
  std::string error;  // why it is the last one; empty where that was to be

  bool operator==(const TailEvent&) const = default;
};

std::string encode(const TailEvent& event);

// Errors: bad_payload.
[[nodiscard]] Result<TailEvent> decode_tail_event(std::string_view payload);

}  // namespace steward::wire
