#pragma once

#include "subjects/bus/message.hpp"
#include "subjects/bus/mutex.hpp"
#include "subjects/wire/envelope.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

namespace steward::bus {

// Recorded events on their way to the station: each gets the next number of this outbox's epoch and
// stays until the station has acknowledged it (cumulative). A state machine without clock or
// network: whoever drives it publishes what add() and due() give. In memory for now. Any thread.
class Outbox {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    std::size_t bytes = std::size_t{16} * 1024 * 1024;  // beyond it full() says so
    std::chrono::milliseconds first_resend{1'000};      // doubles up to:
    std::chrono::milliseconds longest_resend{300'000};  // until something is acknowledged
    std::size_t window = 256;  // messages sent again ahead of what is acknowledged
  };

  Outbox(wire::MessageId epoch, Limits limits);

  // Numbers an event and keeps it. `seal` makes its bytes for the position it gets; it must not
  // call this outbox. The caller publishes what is returned; whether that works is no matter.
  Message add(const std::function<Message(const wire::Position&)>& seal, Clock::time_point now);

  // The station has all up to that number. Ignored: another epoch's, and a number not given out
  // yet.
  void acknowledged(const wire::MessageId& epoch, std::uint64_t upto, Clock::time_point now);

  // What is to be sent again now, oldest first: at most a window ahead of what is acknowledged, the
  // rest of a long queue follows as acknowledgements come.
  std::vector<Message> due(Clock::time_point now);

  // When due() will next have something; none while everything is acknowledged.
  std::optional<Clock::time_point> next_due() const;

  // The link is back, or the station asked: everything kept from that number on is due now.
  void send_again(std::uint64_t from, Clock::time_point now);

  // More bytes are kept than allowed: an event is never dropped, so whoever takes commands refuses
  // new ones until the station has taken some.
  bool full() const;

  std::size_t depth() const;
  std::chrono::milliseconds oldest(Clock::time_point now) const;

 private:
  struct Kept {
    std::uint64_t seq;
    Message message;
    Clock::time_point since;
  };

  void begin_round(std::uint64_t from, std::uint64_t upto) STEWARD_REQUIRES(mutex_);

  const wire::MessageId epoch_;
  const Limits limits_;
  mutable Mutex mutex_;
  std::deque<Kept> kept_ STEWARD_GUARDED_BY(mutex_);
  std::size_t bytes_ STEWARD_GUARDED_BY(mutex_) = 0;
  std::uint64_t next_seq_ STEWARD_GUARDED_BY(mutex_) = 1;

  // The round of sending again: the next number of it, its last, and where its window begins.
  std::uint64_t round_next_ STEWARD_GUARDED_BY(mutex_) = 1;
  std::uint64_t round_last_ STEWARD_GUARDED_BY(mutex_) = 0;
  std::uint64_t window_from_ STEWARD_GUARDED_BY(mutex_) = 1;
  bool prompted_ STEWARD_GUARDED_BY(mutex_) = false;  // due by link or acknowledgement, not by time
  std::optional<Clock::time_point> due_ STEWARD_GUARDED_BY(mutex_);
  std::chrono::milliseconds backoff_ STEWARD_GUARDED_BY(mutex_){0};
};

}  // namespace steward::bus
