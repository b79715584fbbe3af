#pragma once

#include "subjects/wire/names.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace steward::wire {

enum class Kind { command, event };

// "command" or "event".
std::string_view word(Kind kind);

// <node>.<command|event>.<method>.<domain>, e.g. ship1.event.syslogforwarding.nginx. The node is
// always the unit that the message concerns: the receiver of a command, the source of an event.
struct Subject {
  std::optional<NodeName> node;  // none: @all, for commands only
  Kind kind;
  Token method;
  Token domain;

  // Errors: bad_subject, saying which token and why.
  [[nodiscard]] static Result<Subject> parse(std::string_view text);

  bool is_broadcast() const { return !node.has_value(); }

  std::string str() const;

  bool operator==(const Subject&) const = default;
};

}  // namespace steward::wire
