#pragma once

#include "subjects/wire/envelope.hpp"
#include "subjects/wire/query.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <string>
#include <vector>

namespace steward::wire::golden {

// A message as this version makes it, to be compared with golden/<name>.
struct Message {
  std::string name;
  std::string text;  // subject, headers and payload, or the payload alone
  std::string payload;
  std::string again;  // the payload, decoded and encoded
};

// Every kind of message, made from values that never change.
std::vector<Message> messages();

// Those of rollouts.
std::vector<Message> rollouts();

// A message of that envelope on that subject, its payload as it is and read back.
Message message(std::string name,
                const Envelope& envelope,
                const std::string& subject,
                std::string payload,
                std::string again);

// A payload without a message around it.
Message payload_only(std::string name, const std::string& payload, std::string again);

Envelope envelope_of(std::string_view subject, std::string_view source);

// A request with every field of a run set to something unusual.
ShellRun full_run();

// A result with every field set.
ShellResult full_result();

MessageId fixed_id(std::uint8_t number);

Timestamp fixed_time();

}  // namespace steward::wire::golden
