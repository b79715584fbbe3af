#pragma once

#include "handlers/runtime/context.hpp"
#include "handlers/runtime/handler.hpp"
#include "subjects/wire/hello.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace steward::bus {
class Bus;
class Channel;
class Journal;
class Ledger;
struct CommandRow;
struct Message;
}  // namespace steward::bus

namespace steward::runtime {

// What every handler of an agent shares. All of it outlives the hosts.
struct House {
  wire::NodeName node;
  bus::Bus& bus;
  const bus::Channel& channel;
  bus::Journal& journal;
  bus::Ledger& ledger;
  Clock& clock;
  Processes& processes;
  Vitals& vitals;
  const LogSink& log;
  std::filesystem::path state_dir;
};

// Runs one handler on a thread of its own: bounded mailbox -> channel -> handler -> ledger -> ack.
// Counts what it refuses, wraps every call, and makes a handler that failed anew after a back-off.
// What one turn of its loop writes goes to disk as one group.
class HandlerHost {
 public:
  // Makes the handler, which reads its options; nothing runs yet. `options`: the handler's section.
  HandlerHost(House house, const HandlerKind& kind, const wire::Token& domain, Options options);

  // Ends the handler, said stop() or not, and joins the thread.
  ~HandlerHost();
  HandlerHost(const HandlerHost&) = delete;
  HandlerHost& operator=(const HandlerHost&) = delete;

  // What an earlier agent has not finished: run before anything that comes. Before start().
  void recover(std::vector<bus::CommandRow> rows);

  // Starts the thread, and the handler on it. Once.
  void start();

  // Any thread, from a bus callback: hands it a command for this handler. One that finds the
  // mailbox full is answered `overloaded` from the handler's thread, its payload unread.
  void deliver(bus::Message&& message);

  // Any thread: the link to the broker came up, or was lost.
  void link_changed(bool up);

  // Any thread: the handler shall end; `stopped` is called, on some thread, once it has and what it
  // said last is on disk and out (or the disk does not take it). Commands that come from now on are
  // left to the next agent: nothing is said.
  void stop(std::function<void()> stopped);

  // Any thread: the handler is ended as soon as its thread is free, and `stopped` called.
  void end();

  // Any thread.
  wire::HandlerState state() const;

  struct Counts {
    std::uint64_t received = 0;
    std::uint64_t accepted = 0;
    std::uint64_t repeated = 0;
    std::uint64_t refused = 0;  // answered with a reason
    std::uint64_t dropped = 0;  // could not even be answered
    std::uint64_t crashes = 0;
  };

  // Any thread.
  Counts counts() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace steward::runtime
