#pragma once

#include "handlers/runtime/intake.hpp"
#include "handlers/runtime/log.hpp"
#include "handlers/runtime/loop.hpp"
#include "handlers/runtime/processes.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/journal.hpp"
#include "subjects/bus/ledger.hpp"
#include "subjects/bus/outbox.hpp"
#include "tests/simulation/unit.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace steward::simulation {

// What every life of every unit shares and none uses: processes, a log.
struct Furniture {
  runtime::Loop loop;
  runtime::Processes processes{loop};
  runtime::LogSink log{runtime::LogLevel::error, runtime::LogSink::Form::terminal};
};

Furniture& furniture();

// From one start of a unit to its end.
class Unit::Life final : public runtime::Vitals {
 public:
  // `die`: arranges that the power goes.
  Life(World& world,
       const std::string& name,
       NodeClock& clock,
       Disk& disk,
       std::function<void()> die);
  ~Life() override;
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  void start();

  // Nothing more goes out, and nothing is written.
  void kill() { dying_ = true; }

  bool is_dying() const { return dying_; }

  // What has begun is said to be interrupted, and written.
  void stop();

  std::size_t outbox_depth() const { return outbox_.depth(); }

  wire::Hello hello() const override;

  void facts_told(const std::string&) override {}

 private:
  // Runs one command after the other; says each when it begins, and that it is done.
  class Worker final : public runtime::Handler {
   public:
    explicit Worker(Life& life) : life_(life) {}

    Result<runtime::Admission> receive(const runtime::Command& command) override;
    runtime::CancelOutcome cancel(const wire::MessageId& id) override;

   private:
    struct Job {
      wire::MessageId id;
      std::chrono::milliseconds takes;
      bool repeatable;
      bool begun = false;
    };

    void next();
    void run();
    void end(wire::CommandState state);

    Life& life_;
    std::deque<Job> queue_;  // the first one runs, or is about to begin
    bool busy_ = false;
  };

  void after(std::chrono::milliseconds delay, std::function<void()> step);
  void guarded(const std::function<void()>& step);
  void pump();
  void prune();
  void publish(const bus::Message& message);
  void link_changed(bus::LinkState state);
  void hear(const std::string& subject, bus::Bus::Sink sink);
  void route(bus::Message&& message);
  void drain();
  void outbox_command(bus::Message&& message);
  void recall(const wire::MessageId& id);
  void acknowledged(const bus::Message& message);
  void say_hello(bool first);
  void greet();
  void look();
  void send_due();

  World& world_;
  const std::string name_;
  NodeClock& clock_;
  Disk& disk_;
  const std::function<void()> die_;
  bool dying_ = false;
  const wire::MessageId session_;
  const wire::NodeName node_;
  const bus::Channel channel_;
  Link link_;
  bus::Outbox outbox_;
  bus::Journal journal_;
  bus::Ledger ledger_;
  runtime::Loop loop_;
  const runtime::House house_;
  const runtime::HandlerKind kind_;
  runtime::Tally tally_;
  runtime::Intake intake_;
  Worker worker_;
  bool resuming_ = true;
  bool pump_arranged_ = false;
  bool reading_ = false;
  Timeline::Steady due_arranged_ = Timeline::Steady::max();
  std::deque<bus::Message> inbox_;
  std::vector<std::unique_ptr<bus::Subscription>> subscriptions_;
  std::shared_ptr<Life*> token_;  // what is arranged asks it whether this life goes on
};

}  // namespace steward::simulation
