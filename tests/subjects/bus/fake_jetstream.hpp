#pragma once

#include "subjects/bus/jetstream.hpp"
#include "subjects/bus/memory_bus.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace steward::bus::test {

// The API of a JetStream in this process, as far as the state machines ask for it: streams with
// messages, consumers that push when they are told to, numbered keys. It can be deaf, or absent.
class FakeJetStream {
 public:
  struct Stored {
    std::string subject;
    std::string payload;
    std::string id;
    std::int64_t nanoseconds;
  };

  struct Stream {
    std::uint64_t first = 1;
    std::vector<Stored> messages;

    std::uint64_t last() const { return first + messages.size() - 1; }
  };

  struct Consumer {
    std::string stream;
    std::string name;
    std::string deliver_to;
    std::uint64_t next = 1;
    std::uint64_t sent = 0;
  };

  explicit FakeJetStream(MemoryBus& bus);

  void store(const std::string& stream, const std::string& id) {
    streams[stream].messages.push_back({"ship1.event.ack.x", "{}", id, ++clock_ * 1'000'001});
  }

  // The next message of the latest consumer, as the broker pushes it; none where there is none.
  std::optional<Message> push();

  // What it sends when it is idle.
  Message heartbeat() const;

  std::map<std::string, Stream> streams;
  std::vector<std::string> made;     // configurations of streams, JSON
  std::vector<std::string> changed;  // and of changed ones
  std::vector<Consumer> consumers;
  bool deaf = false;
  bool absent = false;
  bool full = false;                                                  // takes no writes
  std::uint64_t bytes = 0;                                            // of each stream
  std::map<std::string, std::pair<std::uint64_t, std::string>> keys;  // revision and value

 private:
  void take(const Message& question);
  void answer(const Message& question, const std::string& text);
  void refuse(const Message& question, int code, int number, const std::string& words);
  void info(const Message& question, const std::string& name);
  void get(const Message& question, const std::string& name);
  void tell(const Message& question, std::uint64_t seq, const Stored& stored);
  void create_consumer(const Message& question);
  void put(const Message& message);

  MemoryBus& bus_;
  std::int64_t clock_ = 1'700'000'000'000;
  std::uint64_t revisions_ = 0;
  std::map<std::string, std::string> configs_;
  std::vector<std::unique_ptr<Subscription>> heard_;
};

// A JetStream client on that broker whose answers wait until pump().
struct Client {
  explicit Client(MemoryBus& bus) : jetstream(bus, bus.new_inbox()) {
    heard = *bus.subscribe(jetstream.answers(),
                           [this](Message&& answer) { answers.push_back(std::move(answer)); });
  }

  void pump() {
    while (!answers.empty()) {
      for (const auto& answer : std::exchange(answers, {})) {
        jetstream.take(answer, now);
      }
    }
    jetstream.tick(now);
  }

  JetStream::Steady now{std::chrono::hours(1)};
  JetStream jetstream;
  std::vector<Message> answers;
  std::unique_ptr<Subscription> heard;
};

}  // namespace steward::bus::test
