#pragma once

#include "subjects/wire/subject.hpp"

#include <string>
#include <string_view>

namespace steward::ctl {

// One line for people about an event: what hello, ack and live output say, else its payload.
std::string event_summary(const wire::Subject& subject, std::string_view payload);

// What a person wrote as PATTERN of events: a subject pattern of the bus ("ship1.event.>"), or unit
// names as in a target ("ship*"), for which all events are heard and then sifted.
struct EventPattern {
  std::string subject;  // to subscribe
  std::string units;    // target to sift by; empty: all
};

EventPattern parse_event_pattern(std::string_view text);

}  // namespace steward::ctl
