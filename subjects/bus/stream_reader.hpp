#pragma once

#include "subjects/bus/bus.hpp"
#include "subjects/bus/follower.hpp"
#include "subjects/bus/jetstream.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace steward::bus {

// Reads one stream by itself: a follower, the answers that it needs, and the link that it lives on.
// A state machine: its owner gives it what comes to the sink, and the time. One thread.
class StreamReader {
 public:
  using Steady = JetStream::Steady;

  // `last`: of an earlier run. `said`: what people should know. `sink`: called on the bus's
  // threads, with what take() is to be given.
  StreamReader(Bus& bus,
               Follower::Settings settings,
               StreamPosition last,
               Bus::Sink sink,
               std::function<void(std::string)> said);
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  // Errors: bad_subject.
  [[nodiscard]] Result<void> open();

  // Looks at the link, and does what is due. As often as something comes, and by next_deadline().
  void tick(Steady now);

  // A pause is its owner's to resume, when all before it is done with.
  Follower::Taken take(const Message& message, Steady now);

  void resume(const std::string& pause) { follower_.resume(pause); }

  // All that there was when it began has come.
  bool caught_up() const { return follower_.caught_up(); }

  // There is no such stream.
  bool missing() const { return missing_; }

  std::optional<Steady> next_deadline() const;

 private:
  Bus& bus_;
  JetStream jetstream_;
  const Bus::Sink sink_;
  const std::function<void(std::string)> said_;
  Follower follower_;
  std::uint64_t connects_ = 0;  // of the link, as of the last look
  bool up_ = false;
  bool missing_ = false;
  std::unique_ptr<Subscription> answers_;
};

}  // namespace steward::bus
