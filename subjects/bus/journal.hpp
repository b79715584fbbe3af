#pragma once

#include "subjects/bus/channel.hpp"
#include "subjects/bus/mutex.hpp"
#include "subjects/bus/outbox.hpp"
#include "subjects/bus/storage.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace steward::bus {

// An event to be recorded: it gets its place in the outbox when it is written.
struct Event {
  wire::Envelope envelope;
  std::string payload;
};

// The one way into a unit's storage. Writes wait in a queue; pump() makes one transaction of all
// that wait (one fsync), in the order of the calls, then publishes the events in it, then calls
// back. So nothing is published, and nobody is told, before it is on disk. A state machine: whoever
// has a thread or a simulation calls pump().
class Journal {
 public:
  struct Parts {
    Storage& storage;
    Outbox& outbox;
    const Channel& channel;
    // All three are called by pump() only. Whether publishing works is no matter: the outbox sends
    // again.
    std::function<void(const Message&)> publish;
    std::function<wire::Timestamp()> wall;
    std::function<std::chrono::steady_clock::time_point()> steady;
  };

  // The group that is being written, for a write to make its changes in.
  class Turn {
   public:
    Storage& storage() { return journal_.parts_.storage; }

    // Numbers, seals and keeps an event; published once it is on disk.
    [[nodiscard]] Result<void> record(Event& event);

    // Whether storage takes no more than `limit` with this group and `more`. To measure costs more
    // than a small write: it is done before a no, and once for each 256th part of the limit.
    bool has_room(std::size_t more, std::size_t limit);

    void grow(std::size_t bytes) { grown_ += bytes; }

   private:
    friend class Journal;

    struct Recorded {
      Event* event;
      Message message;
    };

    explicit Turn(Journal& journal) : journal_(journal) {}

    std::size_t bytes() const { return journal_.bytes_ + grown_; }

    Journal& journal_;
    std::size_t grown_ = 0;
    std::vector<Recorded> recorded_;
  };

  // What to do when a group cannot be written, and when to write it.
  enum class Kind {
    needed,     // kept, and tried again until it is on disk
    refusable,  // given up: `then` gets the error
    lazy,       // as needed, and no reason to write now: it goes with the next group
  };

  // Makes its changes whole, in one group, never split. Called by pump(), and once more if that
  // group could not be written: what it captures must bear that. An error of its own (not of the
  // storage) is for `then` to know, by what both capture.
  using Changes = std::function<Result<void>(Turn&)>;
  // The changes are on disk; or, of a refusable write, why not. Called by pump().
  using Then = std::function<void(Result<void>)>;

  explicit Journal(Parts parts);

  // Takes the size of what an earlier run has left. Before anything else. Errors: Storage's.
  [[nodiscard]] Result<void> load();

  // Any thread. Nothing happens before pump(): say wake() once all that belongs together is said.
  void write(Changes changes, Then then, Kind kind = Kind::needed);

  // Any thread: reads what is on disk, before the next group, called by pump(). It works while
  // nothing can be written, too.
  void read(std::function<void(Storage&)> look);

  // What is on disk, for a `then` only: it is called where the storage may be used, between groups.
  Storage& on_disk() const { return parts_.storage; }

  // Any thread: tells whoever pumps that something waits, if anything does that is not lazy.
  void wake();

  // The same, if anything at all does.
  void wake_for_all();

  // Whom they tell, on the caller's thread. Before anything else.
  void on_wake(std::function<void()> tell) { tell_ = std::move(tell); }

  enum class Outcome {
    idle,    // nothing was there
    done,    // a group was written
    failed,  // the storage did not take it: try again in a while
  };

  // Never from within itself; one thread at a time.
  Outcome pump();

  // Something waits, lazy ones too: any thread.
  bool waits() const;

  // Why the last group was not written; none while all is well. Any thread.
  std::optional<Error> trouble() const;

 private:
  struct Write {
    Changes changes;
    Then then;
    Kind kind;
  };

  Result<void> write_group(Turn& turn);
  void undo(Turn& turn);
  void give_up(const Error& error);

  const Parts parts_;
  std::function<void()> tell_;
  std::size_t bytes_ = 0;     // pump()'s: what storage takes, reckoned
  std::size_t measured_ = 0;  // pump()'s: what it took when it was measured
  std::vector<Write> group_;  // pump()'s: what is being written, or is to be tried again

  mutable Mutex mutex_;
  std::vector<Write> waiting_ STEWARD_GUARDED_BY(mutex_);
  std::vector<std::function<void(Storage&)>> reads_ STEWARD_GUARDED_BY(mutex_);
  bool urgent_ STEWARD_GUARDED_BY(mutex_) = false;  // one waits that nobody was told of
  bool retry_ STEWARD_GUARDED_BY(mutex_) = false;   // group_ is not empty
  std::optional<Error> trouble_ STEWARD_GUARDED_BY(mutex_);
};

}  // namespace steward::bus
