#pragma once

#include "subjects/bus/bus.hpp"

#include <mutex>
#include <string>
#include <utility>

namespace steward::bus {

// One subscription's subject and sink, with the gate that makes its end final. Any thread.
class Interest {
 public:
  Interest(std::string subject, Bus::Sink sink)
      : subject_(std::move(subject)), sink_(std::move(sink)) {}

  const std::string& subject() const { return subject_; }

  // Calls the sink, unless end() was called.
  void deliver(Message&& message) {
    const std::lock_guard lock(gate_);
    if (open_) {
      sink_(std::move(message));
    }
  }

  // Waits for a call of the sink on another thread; from then on there is none.
  void end() {
    const std::lock_guard lock(gate_);
    open_ = false;
  }

 private:
  const std::string subject_;
  const Bus::Sink sink_;
  std::recursive_mutex
      gate_;  // recursive: a sink may end its own subscription, or publish to itself
  bool open_ = true;
};

// Whether a message can be published there: tokens of visible characters with dots between them, no
// wildcard.
bool is_subject(std::string_view text);

// Whether it can be heard: a subject in which a token may be '*' and the last one '>'.
bool is_pattern(std::string_view text);

// Whether a subject fits a pattern.
bool subject_matches(std::string_view pattern, std::string_view subject);

}  // namespace steward::bus
