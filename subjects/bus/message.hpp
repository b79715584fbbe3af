#pragma once

#include "subjects/wire/headers.hpp"

#include <string>

namespace steward::bus {

// Bytes as they travel: nothing in it has been checked.
struct Message {
  std::string subject;
  wire::Headers headers;
  std::string payload;
  std::string reply;  // subject for an answer; empty for none

  bool operator==(const Message&) const = default;
};

}  // namespace steward::bus
