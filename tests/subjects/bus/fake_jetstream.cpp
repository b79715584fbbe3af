#include "tests/subjects/bus/fake_jetstream.hpp"

#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace steward::bus::test {

using nlohmann::json;

FakeJetStream::FakeJetStream(MemoryBus& bus) : bus_(bus) {
  for (const char* subject : {"$JS.API.>", "$KV.>"}) {
    heard_.push_back(*bus.subscribe(subject, [this](Message&& message) { take(message); }));
  }
}

std::optional<Message> FakeJetStream::push() {
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

Message FakeJetStream::heartbeat() const {
  Message message{consumers.back().deliver_to, {}, {}, {}};
  message.headers.add("Status", "100");
  message.headers.add("Nats-Last-Consumer", std::to_string(consumers.back().sent));
  return message;
}

void FakeJetStream::answer(const Message& question, const std::string& text) {
  if (!question.reply.empty()) {
    (void)bus_.publish({question.reply, {}, text, {}});
  }
}

void FakeJetStream::refuse(const Message& question,
                           int code,
                           int number,
                           const std::string& words) {
  const json error{{"code", code}, {"err_code", number}, {"description", words}};
  answer(question, json{{"error", error}}.dump());
}

void FakeJetStream::take(const Message& question) {
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
    if (full) {
      refuse(question, 500, 10047, "insufficient storage resources available");
      return;
    }
    streams[name];
    configs_[name] = question.payload;
    (starts("STREAM.CREATE") ? made : changed).push_back(question.payload);
    info(question, name);
  } else if (starts("STREAM.MSG.GET")) {
    get(question, name);
  } else if (starts("CONSUMER.CREATE")) {
    create_consumer(question);
  }
}

void FakeJetStream::info(const Message& question, const std::string& name) {
  const auto at = streams.find(name);
  if (at == streams.end()) {
    refuse(question, 404, 10059, "stream not found");
    return;
  }
  const auto& stream = at->second;
  const auto config = configs_.find(name);
  const json state{{"messages", stream.messages.size()},
                   {"bytes", bytes},
                   {"first_seq", stream.first},
                   {"last_seq", stream.last()}};
  answer(question,
         json{{"config", config == configs_.end() ? json::object() : json::parse(config->second)},
              {"state", state}}
             .dump());
}

void FakeJetStream::get(const Message& question, const std::string& name) {
  const auto request = json::parse(question.payload);
  if (streams.count(name) == 0) {
    refuse(question, 404, 10059, "stream not found");
    return;
  }
  if (request.contains("last_by_subj")) {
    const auto key = keys.find(request["last_by_subj"].get<std::string>());
    if (key == keys.end()) {
      refuse(question, 404, 10037, "no message found");
    } else {
      tell(question, key->second.first, {"", key->second.second, "", 0});
    }
    return;
  }
  const auto seq = request["seq"].get<std::uint64_t>();
  const auto& stream = streams[name];
  if (seq < stream.first || seq > stream.last()) {
    refuse(question, 404, 10037, "no message found");
  } else {
    tell(question, seq, stream.messages[seq - stream.first]);
  }
}

void FakeJetStream::tell(const Message& question, std::uint64_t seq, const Stored& message) {
  const auto time = wire::Timestamp(
      std::chrono::floor<std::chrono::microseconds>(std::chrono::nanoseconds(message.nanoseconds)));
  const json stored{{"seq", seq},
                    {"subject", message.subject},
                    {"hdrs", wire::base64("NATS/1.0\r\nce-id: " + message.id + "\r\n\r\n")},
                    {"data", wire::base64(message.payload)},
                    {"time", wire::format_time(time)}};
  answer(question, json{{"message", stored}}.dump());
}

void FakeJetStream::create_consumer(const Message& question) {
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
  const auto pending = from > held.last() ? 0 : held.last() - from + 1;
  answer(question, json{{"num_pending", pending}}.dump());
}

void FakeJetStream::put(const Message& message) {
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
    refuse(message, 400, 10071, "wrong last sequence: " + std::to_string(revision));
    return;
  }
  revision = ++revisions_;
  value = message.payload;
  answer(message, json{{"stream", bucket}, {"seq", revision}}.dump());
}

}  // namespace steward::bus::test
