#pragma once

#include "handlers/runtime/acks.hpp"
#include "handlers/runtime/complaint.hpp"
#include "handlers/runtime/crash_notes.hpp"
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
#include <vector>

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
// terminal ACK for each. All on the handler's thread; it waits for nothing: what the ledger answers
// comes back by the loop, or at once where the journal is pumped on this thread.
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

  // Keeps in that file which command the handler is being handed. Before anything else.
  void keep_notes(const std::filesystem::path& file);

  // What an earlier agent has not finished, in the order of arrival.
  void left(std::vector<bus::CommandRow> rows);

  // Who gets the commands from now on; null: nobody, they are refused `unavailable`.
  void serve(Handler* handler) { handler_ = handler; }

  // Hands the handler what was left, then calls `then`: nothing new may be taken before.
  void resume(std::function<void()> then);

  void take(bus::Message&& message);
  void overflowed(const Overflow& overflow);

  // What the handler says (Publisher).
  void step(wire::Ack ack);
  void begin(const wire::MessageId& ref, std::function<void()> then);

  // The handler has failed and is gone: of its commands, those that have begun and are not
  // repeatable are said to be interrupted, the others are left for the next one.
  void handler_failed(const std::string& why);

  // The agent ends: commands that have begun are said to be interrupted, the others are left to the
  // next agent.
  void agent_stops();

 private:
  using Job = Acks::Job;

  // A command on its way through the ledger, or its refusal.
  struct Pending {
    Job job;
    Admission admission;
    bus::CommandRow row;
    std::string refusal;     // its payload; empty for a command that is to run
    bool cancelled = false;  // its cancel came meanwhile
    bool orphaned = false;   // its handler has gone meanwhile
  };

  // A command accepted, no terminal ACK yet.
  struct Open {
    Job job;
    bus::CommandRow row;  // started: its effect may have begun
    bool repeatable = false;
    std::uint64_t arrival = 0;
    std::function<void()> begun;  // to be called once the beginning is on disk
    std::optional<Error> denied;  // at its start: its end is a refusal
  };

  // The ledger may call back on another thread, and after this object has gone.
  struct WayBack {
    bus::Mutex mutex;
    Intake* intake STEWARD_GUARDED_BY(mutex) = nullptr;
    Loop* loop STEWARD_GUARDED_BY(mutex) = nullptr;
  };

  // A function for any thread: calls that one with this intake on its thread, if it still is there.
  template <class... Values, class Function>
  std::function<void(Values...)> on_my_thread(Function function) const;

  void serve_command(bus::Opened&& opened);
  Result<Admission> admit(bus::Opened& opened);
  Result<Admission> hand_over(const Command& command);
  void accept(bus::Opened&& opened, Admission admission);
  bus::CommandRow row(const wire::MessageId& id, wire::Timestamp expires) const;
  void settle(const wire::MessageId& id, Result<bus::Ledger::Entry> entry);
  void settle_refusal(const wire::MessageId& id, Pending pending, Result<bus::Ledger::Entry> entry);
  void run(const wire::MessageId& id, Pending pending);
  void start(const wire::MessageId& id, const std::function<void()>& start);
  void ask_again(const wire::MessageId& ref);
  void asked_again(const wire::MessageId& ref, std::vector<bus::Unfinished> found);
  void begin_now(const wire::MessageId& ref);
  void begun(const wire::MessageId& ref);
  void end(const wire::MessageId& id, wire::CommandState state, const Error& error);

  // intake_cancel.cpp
  std::optional<Admission> cancel_admission(const bus::Opened& opened);
  void cancel(const wire::MessageId& cancel_id,
              const wire::MessageId& ref,
              wire::Timestamp expires);
  std::optional<std::string_view> cancel_here(const wire::MessageId& ref);
  void cancelled(const wire::MessageId& cancel_id, const Result<std::string_view>& outcome);

  // intake_resume.cpp
  void resume_more();
  void load();
  void resume_one(bus::Unfinished&& unfinished);
  void resume_with(const wire::MessageId& id, Result<Admission> admission);

  void turn_away(const bus::Refusal& refusal);
  void refuse(const std::optional<wire::MessageId>& id,
              const Job& job,
              const Error& error,
              const std::optional<wire::Timestamp>& expires = std::nullopt);
  void refuse_unrecorded(const wire::MessageId& id, const Job& job, std::string payload);
  void remember_refusal(const wire::MessageId& id, std::string payload);
  wire::Ack ack(const wire::MessageId& ref, wire::CommandState state) const;

  const House& house_;
  const HandlerKind& kind_;
  const wire::Token domain_;
  Tally& tally_;
  const Logger log_;
  const std::shared_ptr<const Acks> acks_;
  Complaint complaint_;
  CrashNotes notes_;
  Handler* handler_ = nullptr;
  std::shared_ptr<WayBack> way_back_;

  std::unordered_map<wire::MessageId, Pending> pending_;
  std::unordered_map<wire::MessageId, Open> open_;
  std::uint64_t arrivals_ = 0;

  // Commands that wait for a handler: rows, then with their messages, and which of them were
  // cancelled meanwhile.
  std::deque<bus::CommandRow> left_;
  std::deque<bus::Unfinished> loaded_;
  std::unordered_map<wire::MessageId, bool> left_cancelled_;
  bool loading_ = false;
  std::function<void()> resumed_;

  // What was refused lately: a copy of such a command that comes behind its refusal must not run,
  // also where the refusal could not be recorded.
  std::unordered_map<wire::MessageId, std::string> refused_;
  std::deque<wire::MessageId> refused_order_;
};

template <class... Values, class Function>
std::function<void(Values...)> Intake::on_my_thread(Function function) const {
  return [back = way_back_, caller = std::this_thread::get_id(), function = std::move(function)](
             Values... values) mutable {
    if (std::this_thread::get_id() == caller) {
      Intake* intake = nullptr;
      {
        const bus::Lock lock(back->mutex);
        intake = back->intake;
      }
      if (intake != nullptr) {
        function(*intake, std::move(values)...);
      }
      return;
    }
    const bus::Lock lock(back->mutex);
    if (back->loop != nullptr) {
      back->loop->post(
          [intake = back->intake,
           function = std::move(function),
           ... values = std::move(values)]() mutable { function(*intake, std::move(values)...); });
    }
  };
}

}  // namespace steward::runtime
