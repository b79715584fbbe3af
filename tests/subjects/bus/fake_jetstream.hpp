#pragma once

#include "subjects/bus/jetstream.hpp"
#include "subjects/bus/memory_bus.hpp"
#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

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

  explicit FakeJetStream(MemoryBus& bus) : bus_(bus) {
    for (const char* subject : {"$JS.API.>", "$KV.>"}) {
      heard_.push_back(*bus.subscribe(subject, [this](Message&& message) { take(message); }));
    }
  }

  void store(const std::string& stream, const std::string& id) {
    streams[stream].messages.push_back({"ship1.event.ack.x", "{}", id, ++clock_ * 1'000'001});
  }

  // The next message of the latest consumer, as the broker pushes it; none where there is none.
  std::optional<Message> push() {
    auto& consumer = consumers.back();
    const auto& stream = streams[consumer.stream];
    if (consumer.next < stream.first) {
      consumer.next = stream.first;
    }
    if (consumer.next > stream.last()) {
      return std::nullopt;
    }
    const auto& stored = stream.messages[consumer.next - stream.first];
    Message message{stored.subject, {}, stored.payload, {}};
    message.headers.add("ce-id", stored.id);
    message.reply = "$JS.ACK." + consumer.stream + "." + consumer.name + ".1." +
                    std::to_string(consumer.next++) + "." + std::to_string(++consumer.sent) + "." +
                    std::to_string(stored.nanoseconds) + ".0";
    return message;
  }

  Message heartbeat() const {
    Message message{consumers.back().deliver_to, {}, {}, {}};
    message.headers.add("Status", "100");
    message.headers.add("Nats-Last-Consumer", std::to_string(consumers.back().sent));
    return message;
  }

  std::map<std::string, Stream> streams;
  std::vector<nlohmann::json> made;     // configurations of streams
  std::vector<nlohmann::json> changed;  // and of changed ones
  std::vector<Consumer> consumers;
  bool deaf = false;
  bool absent = false;
  bool full = false;  // takes no writes

 private:
  using json = nlohmann::json;

  void answer(const Message& question, const json& answer) {
    if (!question.reply.empty()) {
      (void)bus_.publish({question.reply, {}, answer.dump(), {}});
    }
  }

  static json error(int code, int number, const std::string& text) {
    return {{"error", {{"code", code}, {"err_code", number}, {"description", text}}}};
  }

  void take(const Message& question) {
    if (deaf) {
      return;
    }
    if (absent) {
      Message status{question.reply, {}, {}, {}};
      status.headers.add("Status", "503");
      (void)bus_.publish(status);
      return;
    }
    if (question.subject.substr(0, 4) == "$KV.") {
      put(question);
      return;
    }
    const auto starts = [&question](const std::string& verb) {
      return question.subject.rfind("$JS.API." + verb + ".", 0) == 0;
    };
    const auto name = question.subject.substr(question.subject.rfind('.') + 1);
    if (starts("STREAM.INFO")) {
      info(question, name);
    } else if (starts("STREAM.CREATE") || starts("STREAM.UPDATE")) {
      auto config = json::parse(question.payload);
      if (full) {
        answer(question, error(500, 10047, "insufficient storage resources available"));
        return;
      }
      streams[name];
      configs_[name] = config;
      (starts("STREAM.CREATE") ? made : changed).push_back(std::move(config));
      info(question, name);
    } else if (starts("STREAM.MSG.GET")) {
      get(question, name);
    } else if (starts("CONSUMER.CREATE")) {
      create_consumer(question);
    }
  }

  void info(const Message& question, const std::string& name) {
    const auto at = streams.find(name);
    if (at == streams.end()) {
      answer(question, error(404, 10059, "stream not found"));
      return;
    }
    const auto& stream = at->second;
    answer(question,
           {{"config", configs_.count(name) != 0 ? configs_[name] : json{{"name", name}}},
            {"state",
             {{"messages", stream.messages.size()},
              {"bytes", bytes},
              {"first_seq", stream.first},
              {"last_seq", stream.last()}}}});
  }

  void get(const Message& question, const std::string& name) {
    const auto request = json::parse(question.payload);
    if (streams.count(name) == 0) {
      answer(question, error(404, 10059, "stream not found"));
      return;
    }
    if (request.contains("last_by_subj")) {
      const auto key = keys.find(request["last_by_subj"].get<std::string>());
      if (key == keys.end()) {
        answer(question, error(404, 10037, "no message found"));
      } else {
        answer(question, stored(key->second.first, {"", key->second.second, "", 0}));
      }
      return;
    }
    const auto seq = request["seq"].get<std::uint64_t>();
    const auto& stream = streams[name];
    if (seq < stream.first || seq > stream.last()) {
      answer(question, error(404, 10037, "no message found"));
    } else {
      answer(question, stored(seq, stream.messages[seq - stream.first]));
    }
  }

  static json stored(std::uint64_t seq, const Stored& message) {
    const auto time = wire::Timestamp(std::chrono::floor<std::chrono::microseconds>(
        std::chrono::nanoseconds(message.nanoseconds)));
    return {{"message",
             {{"seq", seq},
              {"subject", message.subject},
              {"hdrs", wire::base64("NATS/1.0\r\nce-id: " + message.id + "\r\n\r\n")},
              {"data", wire::base64(message.payload)},
              {"time", wire::format_time(time)}}}};
  }

  void create_consumer(const Message& question) {
    const auto request = json::parse(question.payload);
    const auto& config = request["config"];
    const auto stream = request["stream_name"].get<std::string>();
    consumers.push_back({stream,
                         config["name"].get<std::string>(),
                         config["deliver_subject"].get<std::string>(),
                         config["opt_start_seq"].get<std::uint64_t>(),
                         0});
    const auto& held = streams[stream];
    const auto from = std::max(held.first, consumers.back().next);
    answer(question, {{"num_pending", from > held.last() ? 0 : held.last() - from + 1}});
  }

  void put(const Message& message) {
    if (full) {
      return;
    }
    const auto bucket = "KV_" + message.subject.substr(4, message.subject.find('.', 4) - 4);
    if (streams.count(bucket) == 0) {
      Message status{message.reply, {}, {}, {}};
      status.headers.add("Status", "503");
      (void)bus_.publish(status);
      return;
    }
    auto& [revision, value] = keys[message.subject];
    const auto expected = message.headers.find("Nats-Expected-Last-Subject-Sequence");
    if (expected && *expected != std::to_string(revision)) {
      answer(message, error(400, 10071, "wrong last sequence: " + std::to_string(revision)));
      return;
    }
    revision = ++revisions_;
    value = message.payload;
    answer(message, {{"stream", bucket}, {"seq", revision}});
  }

  MemoryBus& bus_;
  std::int64_t clock_ = 1'700'000'000'000;
  std::uint64_t revisions_ = 0;
  std::map<std::string, nlohmann::json> configs_;
  std::vector<std::unique_ptr<Subscription>> heard_;

 public:
  std::map<std::string, std::pair<std::uint64_t, std::string>> keys;  // revision and value
  std::uint64_t bytes = 0;                                            // of each stream
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
