#pragma once

#include "handlers/runtime/acks.hpp"
#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/host.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/ledger.hpp"
#include "subjects/bus/message.hpp"
#include "subjects/bus/mutex.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

namespace steward::runtime {

// What a command that did not fit the mailbox leaves behind, to be answered.
struct Overflow {
  std::string id;
  std::string job;
};

// HandlerHost::Counts, counted on the handler's thread and read on any.
struct Tally {
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> repeated{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<std::uint64_t> crashes{0};
};

// The way of commands to a handler and of their steps back; keeps the promise of exactly one
// terminal ACK for each. All on the handler's thread.
class Intake {
 public:
  Intake(const House& house,
         const HandlerKind& kind,
         const wire::Token& domain,
         Loop& loop,
         Tally& tally,
         const Logger& log);
  ~Intake();
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  // Who gets the commands from now on; null: nobody, they are refused `unavailable`.
  void serve(Handler* handler) { handler_ = handler; }

  void take(bus::Message&& message);
  void overflowed(const Overflow& overflow);

  // A step that the handler says.
  void step(wire::Ack ack);

  // Says `interrupted` for every command that the handler has taken and not finished.
  void interrupt_all(ErrorCode code, const std::string& why);

 private:
  using Job = Acks::Job;

  // A command on its way through the ledger.
  struct Pending {
    Job job;
    Admission admission;
    bool cancelled = false;  // its cancel came meanwhile
    bool orphaned = false;   // its handler has gone meanwhile
  };

  // The ledger may call back on another thread, and after this object has gone.
  struct WayBack {
    bus::Mutex mutex;
    Loop* loop STEWARD_GUARDED_BY(mutex) = nullptr;
  };

  void serve_command(bus::Opened&& opened);
  Result<Admission> admit(bus::Opened& opened);
  void accept(const bus::Opened& opened, Admission admission);
  void settle(const wire::MessageId& id, Result<bus::Ledger::Entry> entry);
  void run(const wire::MessageId& id, Pending pending);
  std::optional<Admission> cancel_admission(const bus::Opened& opened);
  void cancel(const wire::MessageId& cancel_id,
              const wire::MessageId& ref,
              wire::Timestamp expires);
  Result<std::string_view> cancel_ref(const wire::MessageId& ref, wire::Timestamp expires);
  void refuse(const std::optional<wire::MessageId>& id, const Job& job, const Error& error);
  bool said_before(const wire::MessageId& id, const Job& job);
  void remember_refusal(const wire::MessageId& id, std::string payload);
  wire::Ack ack(const wire::MessageId& ref, wire::CommandState state) const;

  const House& house_;
  const HandlerKind& kind_;
  const wire::Token domain_;
  Tally& tally_;
  const Logger log_;
  const Acks acks_;
  Complaint complaint_;
  Handler* handler_ = nullptr;
  std::shared_ptr<WayBack> way_back_;

  std::unordered_map<wire::MessageId, Pending> pending_;
  std::unordered_map<wire::MessageId, Job> open_;  // accepted, no terminal ACK yet

  // What was refused lately: a copy of such a command that comes behind its refusal must not run.
  std::unordered_map<wire::MessageId, std::string> refused_;
  std::deque<wire::MessageId> refused_order_;
};

}  // namespace steward::runtime
