#include "subjects/bus/jetstream.hpp"

#include "subjects/wire/fields.hpp"
#include "subjects/wire/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace steward::bus {
namespace {

using nlohmann::json;
using std::chrono::nanoseconds;

constexpr std::string_view kApi = "$JS.API.";

// Error numbers of nats-server that mean more than their HTTP-like code.
constexpr std::int64_t kNoMessage = 10037;
constexpr std::int64_t kWrongLastSequence = 10071;
constexpr std::int64_t kNoResources = 10023;
constexpr std::int64_t kNoStorage = 10047;
constexpr std::int64_t kStoreFull = 10077;

std::int64_t integer(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
}

std::uint64_t count(const json& object, const char* name) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer(object, name)));
}

std::string text(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

const json& part(const json& object, const char* name) {
  static const json kNone = json::object();
  const auto at = object.find(name);
  return at != object.end() && at->is_object() ? *at : kNone;
}

Error api_error(const json& error) {
  const auto number = integer(error, "err_code");
  const auto code = integer(error, "code");
  ErrorCode word = ErrorCode::io;
  if (number == kWrongLastSequence) {
    word = ErrorCode::conflict;
  } else if (number == kNoResources || number == kNoStorage || number == kStoreFull) {
    word = ErrorCode::no_space;
  } else if (code == 404) {
    word = ErrorCode::not_found;
  } else if (code == 503) {
    word = ErrorCode::unavailable;
  }
  return Error{word, text(error, "description") + " (" + std::to_string(number) + ")"};
}

bool is_no_message(const json& answer) {
  return integer(part(answer, "error"), "err_code") == kNoMessage;
}

// The object of an answer, whatever it says.
Result<json> parsed(const Result<Message>& answer) {
  if (!answer) {
    return tl::unexpected<Error>(answer.error());
  }
  STEWARD_TRY(auto object, wire::parse_json(answer->payload));
  if (!object.is_object()) {
    return failure(ErrorCode::io, "an answer of the broker's is no object");
  }
  return object;
}

// The object of an answer that is no error.
Result<json> accepted(const Result<Message>& answer) {
  STEWARD_TRY(auto object, parsed(answer));
  if (object.contains("error")) {
    return tl::unexpected<Error>(api_error(object["error"]));
  }
  return object;
}

json to_json(const StreamConfig& config) {
  return {{"name", config.name},
          {"subjects", config.subjects},
          {"retention", "limits"},
          {"storage", "file"},
          {"max_consumers", -1},
          {"max_msgs", -1},
          {"max_bytes", config.max_bytes},
          {"max_age", nanoseconds(config.max_age).count()},
          {"max_msgs_per_subject", config.max_messages_per_subject},
          {"max_msg_size", -1},
          {"discard", config.discard == StreamConfig::Discard::newest ? "new" : "old"},
          {"num_replicas", config.replicas},
          {"duplicate_window", nanoseconds(config.duplicate_window).count()}};
}

StreamInfo stream_info(const json& answer) {
  const auto& config = part(answer, "config");
  const auto& state = part(answer, "state");
  StreamInfo info;
  info.config.name = text(config, "name");
  if (const auto at = config.find("subjects"); at != config.end() && at->is_array()) {
    for (const auto& subject : *at) {
      info.config.subjects.push_back(subject.is_string() ? subject.get<std::string>() : "");
    }
  }
  info.config.max_bytes = integer(config, "max_bytes");
  info.config.max_age =
      std::chrono::duration_cast<std::chrono::seconds>(nanoseconds(integer(config, "max_age")));
  info.config.max_messages_per_subject = integer(config, "max_msgs_per_subject");
  info.config.discard = text(config, "discard") == "new" ? StreamConfig::Discard::newest
                                                         : StreamConfig::Discard::oldest;
  info.config.replicas = static_cast<int>(integer(config, "num_replicas"));
  info.config.duplicate_window = std::chrono::duration_cast<std::chrono::milliseconds>(
      nanoseconds(integer(config, "duplicate_window")));
  info.messages = count(state, "messages");
  info.bytes = count(state, "bytes");
  info.first_seq = count(state, "first_seq");
  info.last_seq = count(state, "last_seq");
  return info;
}

// Of a stored message's headers ("NATS/1.0\r\nname: value\r\n..."), the value of one.
std::string header(std::string_view block, std::string_view name) {
  while (!block.empty()) {
    const auto end = std::min(block.find("\r\n"), block.size());
    const auto line = block.substr(0, end);
    block.remove_prefix(std::min(end + 2, block.size()));
    if (line.size() > name.size() && line.substr(0, name.size()) == name &&
        line[name.size()] == ':') {
      const auto value = line.substr(name.size() + 1);
      return std::string(value.substr(std::min(value.find_first_not_of(' '), value.size())));
    }
  }
  return {};
}

Result<std::optional<StoredMessage>> stored_message(const Result<Message>& answer) {
  STEWARD_TRY(const auto object, parsed(answer));
  if (is_no_message(object)) {
    return std::nullopt;
  }
  if (object.contains("error")) {
    return tl::unexpected<Error>(api_error(object["error"]));
  }
  const auto& stored = part(object, "message");
  StoredMessage message;
  message.position.seq = count(stored, "seq");
  STEWARD_TRY(message.position.time, wire::parse_time(text(stored, "time")));
  STEWARD_TRY(const auto headers, wire::parse_base64(text(stored, "hdrs")));
  message.position.id = header(headers, "ce-id");
  STEWARD_TRY(message.payload, wire::parse_base64(text(stored, "data")));
  return message;
}

}  // namespace

JetStream::JetStream(Bus& bus, std::string inbox) : bus_(bus), inbox_(std::move(inbox)) {}

void JetStream::ask(Message&& question, Steady now, Raw then) {
  const auto number = ++count_;
  question.reply = inbox_ + "." + std::to_string(number);
  asked_.emplace(number, Asked{now + kPatience, std::move(then), std::nullopt});
  auto sent = bus_.publish(question);
  if (sent) {
    return;
  }
  if (const auto at = asked_.find(number); at != asked_.end()) {
    at->second.until = now;
    at->second.failed = std::move(sent).error();
  }
}

void JetStream::info(const std::string& stream, Steady now, Then<StreamInfo> then) {
  ask({std::string(kApi) + "STREAM.INFO." + stream, {}, {}, {}},
      now,
      [then = std::move(then)](const Result<Message>& answer) {
        then(accepted(answer).map(stream_info));
      });
}

void JetStream::change(std::string_view verb,
                       const StreamConfig& config,
                       Steady now,
                       Then<StreamInfo> then) {
  ask({std::string(kApi) + "STREAM." + std::string(verb) + "." + config.name,
       {},
       to_json(config).dump(),
       {}},
      now,
      [then = std::move(then)](const Result<Message>& answer) {
        then(accepted(answer).map(stream_info));
      });
}

void JetStream::create(const StreamConfig& config, Steady now, Then<StreamInfo> then) {
  change("CREATE", config, now, std::move(then));
}

void JetStream::update(const StreamConfig& config, Steady now, Then<StreamInfo> then) {
  change("UPDATE", config, now, std::move(then));
}

void JetStream::ask_for_message(const std::string& stream,
                                std::string request,
                                Steady now,
                                Then<std::optional<StoredMessage>> then) {
  ask({std::string(kApi) + "STREAM.MSG.GET." + stream, {}, std::move(request), {}},
      now,
      [then = std::move(then)](const Result<Message>& answer) { then(stored_message(answer)); });
}

void JetStream::message(const std::string& stream,
                        std::uint64_t seq,
                        Steady now,
                        Then<std::optional<StoredMessage>> then) {
  ask_for_message(stream, json{{"seq", seq}}.dump(), now, std::move(then));
}

void JetStream::last_message(const std::string& stream,
                             const std::string& subject,
                             Steady now,
                             Then<std::optional<StoredMessage>> then) {
  ask_for_message(stream, json{{"last_by_subj", subject}}.dump(), now, std::move(then));
}

void JetStream::create_consumer(const ConsumerRequest& request,
                                Steady now,
                                Then<std::uint64_t> then) {
  json config = {{"name", request.name},
                 {"deliver_subject", request.deliver_to},
                 {"ack_policy", "none"},
                 {"max_deliver", 1},
                 {"flow_control", true},
                 {"idle_heartbeat", nanoseconds(request.heartbeat).count()},
                 {"mem_storage", true},
                 {"num_replicas", 1}};
  if (request.since) {
    config["deliver_policy"] = "by_start_time";
    config["opt_start_time"] = wire::format_time(*request.since);
  } else {
    config["deliver_policy"] = "by_start_sequence";
    config["opt_start_seq"] = request.from;
  }
  if (!request.subject.empty()) {
    config["filter_subject"] = request.subject;
  }
  ask({std::string(kApi) + "CONSUMER.CREATE." + request.stream + "." + request.name,
       {},
       json{{"stream_name", request.stream}, {"config", config}}.dump(),
       {}},
      now,
      [then = std::move(then)](const Result<Message>& answer) {
        then(accepted(answer).map([](const json& made) { return count(made, "num_pending"); }));
      });
}

void JetStream::delete_consumer(const std::string& stream, const std::string& name) {
  static_cast<void>(bus_.publish(
      {std::string(kApi) + "CONSUMER.DELETE." + stream + "." + name, {}, {}, inbox_ + ".0"}));
}

void JetStream::put(const std::string& subject,
                    const std::string& payload,
                    std::uint64_t expected,
                    Steady now,
                    Then<std::uint64_t> then) {
  Message message{subject, {}, payload, {}};
  message.headers.add("Nats-Expected-Last-Subject-Sequence", std::to_string(expected));
  ask(std::move(message), now, [then = std::move(then)](const Result<Message>& answer) {
    then(accepted(answer).map([](const json& stored) { return count(stored, "seq"); }));
  });
}

void JetStream::store(Message&& message, Steady now, Then<std::uint64_t> then) {
  const auto subject = message.subject;
  ask(std::move(message), now, [subject, then = std::move(then)](const Result<Message>& answer) {
    auto stored = accepted(answer).map([](const json& kept) { return count(kept, "seq"); });
    if (!stored && stored.error().code == ErrorCode::unavailable) {
      then(tl::unexpected<Error>(std::move(stored).error().with_context(
          "no stream takes " + subject + ", or the link is lost")));
      return;
    }
    then(std::move(stored));
  });
}

void JetStream::take(const Message& message, Steady now) {
  now_ = now;
  if (message.subject.size() <= inbox_.size()) {
    return;
  }
  const std::string_view digits = std::string_view(message.subject).substr(inbox_.size() + 1);
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  auto asked = asked_.extract(number);
  if (asked.empty()) {
    return;
  }
  // What nobody hears is answered by the broker itself, with a status and nothing else.
  if (message.headers.find("Status") == "503") {
    asked.mapped().then(
        failure(ErrorCode::unavailable, "the broker has no JetStream for this account"));
  } else {
    asked.mapped().then(message);
  }
}

// What a callback asks anew is not looked at in the same round.
void JetStream::tick(Steady now) {
  now_ = now;
  std::vector<Asked> due;
  for (auto at = asked_.begin(); at != asked_.end();) {
    if (at->second.until <= now) {
      due.push_back(std::move(at->second));
      at = asked_.erase(at);
    } else {
      ++at;
    }
  }
  for (auto& asked : due) {
    asked.then(tl::unexpected<Error>(
        asked.failed.value_or(Error{ErrorCode::timed_out, "JetStream does not answer"})));
  }
}

void JetStream::link_lost() {
  for (auto& [number, asked] : std::exchange(asked_, {})) {
    asked.then(failure(ErrorCode::unavailable, "the link to the broker is lost"));
  }
}

std::optional<JetStream::Steady> JetStream::next_deadline() const {
  std::optional<Steady> next;
  for (const auto& [number, asked] : asked_) {
    next = next ? std::min(*next, asked.until) : asked.until;
  }
  return next;
}

}  // namespace steward::bus
