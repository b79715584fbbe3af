#pragma once

#include "subjects/bus/channel.hpp"
#include "subjects/wire/ack.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace steward::bus {

// What a unit knows of the commands it was given: each id once, until its expiry has passed. A
// command is in it before its ACK leaves and before anything runs. Every function: any thread.
class Ledger {
 public:
  enum class Verdict {
    fresh,      // never seen: it stands in the ledger now, run it
    repeated,   // seen: say the recorded ACK again, run nothing
    cancelled,  // its cancel came first: say cancelled, run nothing
  };

  struct Entry {
    Verdict verdict = Verdict::fresh;
    std::string recorded_ack;  // repeated: payload of the last ACK, its result left out when that
                               // was too large to keep
  };

  virtual ~Ledger() = default;

  // Records a command and calls `then` once it is as safe as this ledger makes it, on any thread,
  // perhaps before this function returns. Errors to `then`: overloaded (full of live ids), io,
  // no_space.
  virtual void accept(const Opened& command, std::function<void(Result<Entry>)> then) = 0;

  // Records a step of an accepted command.
  virtual void record(const wire::Ack& ack) = 0;

  // Remembers that a command not seen yet is cancelled, until that time. Errors: overloaded.
  [[nodiscard]] virtual Result<void> cancel_ahead(const wire::MessageId& id,
                                                  wire::Timestamp expires) = 0;

  // The recorded ACK of a command that was accepted (empty before its first one); none for an id
  // that is not known, or known from its cancel only.
  virtual std::optional<std::string> recorded(const wire::MessageId& id) const = 0;

  // Commands accepted and not finished.
  virtual std::size_t open() const = 0;
};

// A ledger that lives as long as the process: at most `capacity` ids, finished ones leave first
// once they have expired.
std::unique_ptr<Ledger> memory_ledger(std::size_t capacity, std::function<wire::Timestamp()> clock);

}  // namespace steward::bus
