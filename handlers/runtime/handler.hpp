#pragma once

#include "subjects/wire/ack.hpp"
#include "subjects/wire/envelope.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace steward::runtime {

struct Context;

// A command that has passed the channel's checks.
struct Command {
  wire::Envelope envelope;
  std::string payload;
  // An earlier handler or agent has begun it. A handler whose work goes on without the agent takes
  // it up again, or says that it is interrupted; it does not begin it a second time.
  bool begun = false;

  // Many units are meant: answers are spread in time.
  bool to_all() const { return envelope.subject.is_broadcast(); }
};

// What a handler makes of a command that it takes.
struct Admission {
  std::vector<std::string> ignored;  // fields it does not know, told in the ACK
  std::function<void()> start;       // called once the command is recorded and ACKed
  // A second run does no harm: one that was cut off by the end of the agent, the machine or the
  // handler is run again, up to three times. Else it is said to be interrupted. Also for work that
  // goes on meanwhile (Command::begun): as it is not begun again, it may be taken up any number of
  // times.
  bool repeatable = false;
  // `start` has no effect yet: the handler says Publisher::begin() first. So a command that waits
  // for its turn in the handler is not cut off by a restart: it comes to the handler again.
  bool begins_itself = false;
};

enum class CancelOutcome {
  cancelled,  // it was queued or runs: its terminal ACK follows, or has gone out already
  unknown,    // not a command of mine
};

// One functionality of a unit on one domain, on a thread and a loop of its own. Every function is
// called on that thread; an exception out of one stops this handler only: the runtime says its open
// commands interrupted, and makes it anew after a back-off.
class Handler {
 public:
  virtual ~Handler() = default;

  // The loop is about to run. Errors: whatever stops it from working; tried again after a back-off.
  [[nodiscard]] virtual Result<void> start() { return {}; }

  // Checks a command without acting; one that a restart has left comes a second time. An error
  // refuses it with its code; an Admission makes the runtime record it, say `accepted` and call
  // `start`, from where on the handler owes exactly one terminal ACK (Context::reply).
  [[nodiscard]] virtual Result<Admission> receive(const Command& command) = 0;

  // A cancel for that command came in.
  virtual CancelOutcome cancel(const wire::MessageId&) { return CancelOutcome::unknown; }

  // The link to the broker came up (each time).
  virtual void link_up() {}

  // It was lost.
  virtual void link_down() {}

  // The agent ends: finish or end what runs, then call `stopped` (once, on this thread). After the
  // agent's deadline it is ended without. What has not begun is left, without a word: the next
  // agent runs it.
  virtual void stop(std::function<void()> stopped) { stopped(); }
};

// What the catalogue knows of a functionality: one row of handlers/catalogue.inc.
struct HandlerKind {
  std::string_view method;
  // The domain that a unit serves when its configuration names none; empty: none.
  std::string_view default_domain;
  // Commands are recorded in the ledger and ACKed (hello's are not).
  bool acked = true;
  std::unique_ptr<Handler> (*make)(Context& context) = nullptr;
};

}  // namespace steward::runtime
