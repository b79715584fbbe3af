#pragma once

#include "subjects/bus/journal.hpp"
#include "subjects/bus/storage.hpp"
#include "subjects/wire/ack.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace steward::bus {

// What a unit knows of the commands it was given: each id once, until its expiry has passed. A
// command is in it, on disk, before its ACK leaves and before anything runs; a step of it and the
// event that says so are written together. Verdicts are found when they are written, so no id is
// kept in memory. Every function: any thread; callbacks come from Journal::pump().
class Ledger {
 public:
  // How long after its expiry a command is remembered, for copies that come late.
  static constexpr std::chrono::hours kKeptAfterExpiry{1};

  enum class Verdict {
    fresh,      // never seen: it stands in the ledger now, run it
    repeated,   // seen: say the recorded ACK again, run nothing
    cancelled,  // its cancel came first, which has been said now: run nothing
  };

  struct Entry {
    Verdict verdict = Verdict::fresh;
    std::string recorded_ack;  // repeated: the payload to answer with
    std::string method;        // repeated: of that command
  };

  using Then = std::function<void(Result<Entry>)>;

  struct Limits {
    std::size_t bytes = std::size_t{64} * 1024 * 1024;  // of all storage; beyond it: overloaded
  };

  Ledger(Journal& journal, Limits limits);

  // The commands that an earlier run has not finished, in the order of their arrival. Before
  // anything else, on the thread that has the storage. Errors: Storage's.
  [[nodiscard]] Result<std::vector<CommandRow>> load(Storage& storage);

  // A command to be taken.
  struct Acceptance {
    CommandRow row;   // stage: accepted, or started where it runs at once; ack: of `accepted`
    Message message;  // to run it after a restart
    Event accepted;
    std::function<Event()> cancelled;  // made when its cancel came first
  };

  // Records a command with its ACK. Errors to `then`: overloaded (no room), no_space, io,
  // permission; nothing of it is recorded then.
  void accept(Acceptance acceptance, Then then);

  // Records the terminal ACK of a command that will not run, unless its id is known: then
  // `repeated`. Errors to `then`: as accept().
  void refuse(CommandRow row, Event refusal, Then then);

  // Records a step of a command that is not finished; a terminal one finishes it. Nothing is
  // recorded or said of one that is finished or unknown.
  void step(const wire::MessageId& id, wire::CommandState state, std::string ack, Event event);

  // The effect of a command is about to begin: `then` is called once that is on disk.
  void begin(const wire::MessageId& id, std::function<void()> then);

  // Remembers that a command not seen yet is cancelled, until that time. `then` gets false for one
  // that is known. Errors to it: overloaded, no_space, io, permission.
  void cancel_ahead(const wire::MessageId& id,
                    wire::Timestamp expires,
                    std::function<void(Result<bool>)> then);

  // The bytes of commands that are not finished, in the order asked; others are left out.
  void messages(std::vector<CommandRow> rows, std::function<void(std::vector<Unfinished>)> then);

  // Forgets commands that are finished and have expired an hour ago. Call it every minute or so,
  // always on one thread: a wall clock that jumps ahead is believed after 60 calls only, so that
  // ids which live are not forgotten.
  void prune(wire::Timestamp wall, std::chrono::steady_clock::time_point now);

  // Commands accepted and not finished.
  std::size_t open() const { return open_; }

  // The form in which an ACK is kept: whole while it is small, else without its result.
  static std::string kept_form(const wire::Ack& ack, const std::string& encoded);

 private:
  void unwritten(const wire::MessageId& id, Error error, const Then& then);
  Result<void> enter(Journal::Turn& turn, Acceptance& acceptance, Result<Entry>& entry);

  Journal& journal_;
  const Limits limits_;
  std::atomic<std::size_t> open_{0};
  std::deque<std::chrono::microseconds> ahead_;  // of the wall clock before the steady one, lately
};

}  // namespace steward::bus
