#pragma once

#include "handlers/runtime/host.hpp"
#include "handlers/runtime/processes.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/journal.hpp"
#include "subjects/bus/journal_thread.hpp"
#include "subjects/bus/ledger.hpp"
#include "subjects/bus/memory_bus.hpp"
#include "subjects/bus/memory_storage.hpp"
#include "subjects/bus/outbox.hpp"
#include "subjects/wire/ack.hpp"
#include "tests/support/watchdog.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace steward::tests {

inline wire::MessageId id_of(int number) {
  wire::MessageId::Randomness random{};
  random[8] = static_cast<std::uint8_t>(number >> 8);
  random[9] = static_cast<std::uint8_t>(number);
  return wire::MessageId::make(1'000'000, random);
}

// Stands still; ids count up.
class StillClock final : public runtime::Clock {
 public:
  wire::Timestamp now() const override {
    return wire::Timestamp(std::chrono::hours(24 * 20'000)) +
           std::chrono::milliseconds(steady_ms_ - kBegin);
  }

  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::milliseconds(steady_ms_));
  }

  wire::MessageId new_id() override { return id_of(++ids_); }

  void pass(std::chrono::milliseconds time) { steady_ms_ += time.count(); }

 private:
  static constexpr std::int64_t kBegin = 1'000'000;
  std::atomic<std::int64_t> steady_ms_{kBegin};
  std::atomic<int> ids_{10'000};
};

class NoVitals final : public runtime::Vitals {
 public:
  wire::Hello hello() const override { return {}; }

  void facts_told(const std::string&) override {}
};

// What a host needs, on a bus inside this process; hears what the unit "ship1" says. Its journal is
// pumped by the test, or by a thread.
class TestHouse {
 public:
  explicit TestHouse(bus::Ledger::Limits limits = {}, bus::MemoryStorage disk = {})
      : storage(std::move(disk)),
        outbox(clock.new_id(), {}),
        channel(wire::Source::node(node),
                wire::Completeness::filled_in,
                [this](auto) { return clock.new_id(); }),
        journal({storage,
                 outbox,
                 channel,
                 [this](const bus::Message& message) { static_cast<void>(bus.publish(message)); },
                 [this] { return clock.now(); },
                 [this] { return clock.steady(); }}),
        ledger(journal, limits) {
    auto heard = bus.subscribe("ship1.event.>", [this](bus::Message&& message) {
      const std::lock_guard lock(mutex_);
      said_.push_back(std::move(message));
      changed_.notify_all();
    });
    subscription_ = *std::move(heard);
  }

  runtime::House house() {
    return {node, bus, channel, journal, ledger, clock, processes, vitals, log, state_dir};
  }

  // Writes, on this thread, until nothing waits; or the disk does not take it.
  void settle() {
    while (journal.pump() == bus::Journal::Outcome::done) {
    }
  }

  // Has a thread do that from now on.
  void write_by_thread() {
    writer.emplace(journal, [](const auto&) {});
  }

  // Everything said so far.
  std::vector<bus::Message> said() const {
    const std::lock_guard lock(mutex_);
    return said_;
  }

  // Waits until so many messages were said.
  void await(std::size_t count) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return said_.size() >= count; });
  }

  // Waits for a command's terminal ACK.
  void await_end(int command) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, command] {
      return std::any_of(said_.rbegin(), said_.rend(), [command](const auto& message) {
        const auto ack = wire::decode_ack(message.payload);
        return ack && ack->ref == id_of(command) && is_terminal(ack->state);
      });
    });
  }

  // "<state>" or "<state> <code>" of each ACK of that command, in order.
  std::vector<std::string> steps(int command) const { return steps_in(said(), command); }

  static std::vector<std::string> steps_in(const std::vector<bus::Message>& said, int command) {
    std::vector<std::string> words;
    for (const auto& message : said) {
      const auto ack = wire::decode_ack(message.payload);
      if (ack && ack->ref == id_of(command)) {
        words.push_back(std::string(word(ack->state)) + (ack->code.empty() ? "" : " " + ack->code));
      }
    }
    return words;
  }

  // A command of that id, as an operator's tool sends it.
  bus::Message command(int number, std::string payload, std::string node_token = "ship1") const {
    auto envelope = wire::make_envelope(id_of(number),
                                        *wire::Source::parse("/operator/eva"),
                                        *wire::Subject::parse(node_token + ".command.work.here"),
                                        clock.now());
    envelope.expires = clock.now() + std::chrono::hours(1);
    return channel.seal(envelope, std::move(payload));
  }

  const wire::NodeName node = *wire::NodeName::parse("ship1");
  StillClock clock;
  bus::MemoryBus bus;
  runtime::Loop loop;
  runtime::Processes processes{loop};
  NoVitals vitals;
  runtime::LogSink log{runtime::LogLevel::error, runtime::LogSink::Form::terminal};
  std::filesystem::path state_dir = "/proc/none";  // where nobody can make anything
  bus::MemoryStorage storage;
  bus::Outbox outbox;
  bus::Channel channel;
  bus::Journal journal;
  bus::Ledger ledger;
  std::optional<bus::JournalThread> writer;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<bus::Message> said_;
  std::unique_ptr<bus::Subscription> subscription_;
};

}  // namespace steward::tests
