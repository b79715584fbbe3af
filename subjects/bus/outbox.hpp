#pragma once

#include "subjects/bus/message.hpp"
#include "subjects/bus/mutex.hpp"
#include "subjects/bus/storage.hpp"
#include "subjects/wire/envelope.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace steward::bus {

// Recorded events on their way to the station: each gets the next number of this outbox's epoch and
// stays until the station has acknowledged it (cumulative for each epoch). Their bytes are in
// storage; here is what there is and what is due. A new epoch begins with each start of the agent:
// no number is used twice even where a disk was set back. What earlier epochs have left goes out
// first. A state machine without clock, disk or network. Any thread.
class Outbox {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    std::chrono::milliseconds first_resend{1'000};      // doubles up to:
    std::chrono::milliseconds longest_resend{300'000};  // until something is acknowledged
    std::size_t window = 256;  // messages sent again ahead of what is acknowledged
    std::size_t batch_bytes = std::size_t{1024} * 1024;  // of what due() gives at once
  };

  Outbox(wire::MessageId epoch, Limits limits);

  const wire::MessageId& epoch() const { return epoch_; }

  // Takes over what an earlier run has left. Before anything else. Errors: Storage's.
  [[nodiscard]] Result<void> load(Storage& storage, wire::Timestamp wall, Clock::time_point now);

  // For the Journal: numbers events, which count once they are kept(); or undoes the numbering of
  // all since then.
  wire::Position number(std::size_t bytes);
  void kept(Clock::time_point now);
  void dropped();

  // The station has all of that epoch up to that number. Ignored: an epoch that nothing is kept of,
  // and a number not given out yet. True when something has left: erase it from storage, whenever.
  bool acknowledged(const wire::MessageId& epoch, std::uint64_t upto, Clock::time_point now);

  // What is to be sent again now, oldest first: at most a window ahead of what is acknowledged, the
  // rest of a long queue follows as acknowledgements come.
  std::vector<wire::Position> due(Clock::time_point now);

  // When due() will next have something; none while everything is acknowledged.
  std::optional<Clock::time_point> next_due() const;

  // The link is back: everything kept is due now.
  void send_again(Clock::time_point now);

  // The station misses what that epoch has from that number on: that and all behind it is due now.
  void send_again(const wire::MessageId& epoch, std::uint64_t from, Clock::time_point now);

  // Of at most that many epochs, the oldest that events are kept of and ours: the first number that
  // is kept, or the next one of ours.
  std::vector<wire::Position> begins(std::size_t most) const;

  std::size_t depth() const;
  std::chrono::milliseconds oldest(Clock::time_point now) const;

 private:
  struct Kept {
    Clock::time_point since;
    std::uint32_t bytes;
  };

  // The events of one epoch: numbers without gaps, `first` is that of kept.front().
  struct Epoch {
    wire::MessageId id;
    std::uint64_t first = 1;
    std::deque<Kept> kept;

    std::uint64_t end() const { return first + kept.size(); }
  };

  // A place in all of it: epochs by their index, then numbers.
  struct Place {
    std::size_t epoch = 0;
    std::uint64_t seq = 0;

    auto operator<=>(const Place&) const = default;
  };

  void begin_round(Place from, Place end) STEWARD_REQUIRES(mutex_);
  void send_from(Place from, Clock::time_point now) STEWARD_REQUIRES(mutex_);
  std::optional<Place> first_kept() const STEWARD_REQUIRES(mutex_);
  Place end() const STEWARD_REQUIRES(mutex_);
  std::optional<Place> first_younger_than(Clock::time_point since) const STEWARD_REQUIRES(mutex_);
  std::size_t count_between(Place from, Place to) const STEWARD_REQUIRES(mutex_);
  const Kept& at(Place place) const STEWARD_REQUIRES(mutex_);

  const wire::MessageId epoch_;
  const Limits limits_;
  mutable Mutex mutex_;
  std::deque<Epoch> epochs_ STEWARD_GUARDED_BY(mutex_);  // the last is ours
  std::vector<std::uint32_t> numbered_ STEWARD_GUARDED_BY(mutex_);

  // The round of sending again: the next of it, its end, and where its window begins.
  Place round_next_ STEWARD_GUARDED_BY(mutex_);
  Place round_end_ STEWARD_GUARDED_BY(mutex_);
  Place window_from_ STEWARD_GUARDED_BY(mutex_);
  bool prompted_ STEWARD_GUARDED_BY(mutex_) = false;  // due by link or acknowledgement, not by time
  std::optional<Clock::time_point> due_ STEWARD_GUARDED_BY(mutex_);
  std::chrono::milliseconds backoff_ STEWARD_GUARDED_BY(mutex_){0};
};

}  // namespace steward::bus
