#pragma once

#include "subjects/bus/bus.hpp"
#include "subjects/bus/stream_position.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steward::bus {

// How a stream is kept.
struct StreamConfig {
  enum class Discard { oldest, newest };  // what gives way when it is full

  std::string name;
  std::vector<std::string> subjects;
  std::int64_t max_bytes = -1;
  std::chrono::seconds max_age{0};  // 0: for ever
  std::int64_t max_messages_per_subject = -1;
  Discard discard = Discard::oldest;
  int replicas = 1;
  std::chrono::milliseconds duplicate_window{120'000};

  bool operator==(const StreamConfig&) const = default;
};

struct StreamInfo {
  StreamConfig config;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
};

struct StoredMessage {
  StreamPosition position;
  std::string payload;
};

// What a follower asks for: the messages from a number on, to a subject that it hears.
struct ConsumerRequest {
  std::string stream;
  std::string name;
  std::string deliver_to;
  std::uint64_t from = 1;
  std::chrono::milliseconds heartbeat{2'000};
  std::string subject;                   // only messages on it; empty: all
  std::optional<wire::Timestamp> since;  // in the place of `from`
};

// The API of a broker's JetStream, by plain messages. A state machine: it sends questions on the
// bus, its owner gives it what comes on answers() and the time. Each question's callback comes
// once, from take(), tick() or link_lost(), never from within the question. One thread.
//
// Errors of all questions: unavailable (no link, or the broker has no JetStream), timed_out (no
// answer for kPatience), not_found (no such stream), conflict (not the expected number), no_space,
// io (anything else that the broker refuses; the message has its words).
class JetStream {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  template <class T>
  using Then = std::function<void(Result<T>)>;

  static constexpr std::chrono::milliseconds kPatience{5'000};

  // `inbox`: a subject of the owner's (Bus::new_inbox()).
  JetStream(Bus& bus, std::string inbox);

  // What the owner is to hear.
  std::string answers() const { return inbox_ + ".*"; }

  void info(const std::string& stream, Steady now, Then<StreamInfo> then);
  void create(const StreamConfig& config, Steady now, Then<StreamInfo> then);
  void update(const StreamConfig& config, Steady now, Then<StreamInfo> then);

  // None where the stream holds no such message.
  void message(const std::string& stream,
               std::uint64_t seq,
               Steady now,
               Then<std::optional<StoredMessage>> then);
  void last_message(const std::string& stream,
                    const std::string& subject,
                    Steady now,
                    Then<std::optional<StoredMessage>> then);

  // Gives how many messages it will deliver at first.
  void create_consumer(const ConsumerRequest& request, Steady now, Then<std::uint64_t> then);

  // Its success is nobody's business: one that is not heard ends by itself.
  void delete_consumer(const std::string& stream, const std::string& name);

  // Stores a message, if the last one on its subject has that number (0: there is none). Gives its
  // number. Without a stream for the subject: unavailable.
  void put(const std::string& subject,
           const std::string& payload,
           std::uint64_t expected,
           Steady now,
           Then<std::uint64_t> then);

  // Stores a message on its own subject, whatever is there. Gives its number. Without a stream for
  // the subject: unavailable. One with a Nats-Msg-Id that the stream has seen lately is not stored
  // twice, and that is a success.
  void store(Message&& message, Steady now, Then<std::uint64_t> then);

  // An answer, or something else, which is dropped.
  void take(const Message& message, Steady now);

  // Gives up what was not answered in time.
  void tick(Steady now);

  // What was asked will not be answered.
  void link_lost();

  std::optional<Steady> next_deadline() const;

  // For callbacks: the time of the call that they come from.
  Steady now() const { return now_; }

 private:
  using Raw = std::function<void(Result<Message>)>;

  struct Asked {
    Steady until;
    Raw then;
    std::optional<Error> failed;  // it could not even be sent
  };

  void ask(Message&& question, Steady now, Raw then);
  void ask_for_message(const std::string& stream,
                       std::string request,
                       Steady now,
                       Then<std::optional<StoredMessage>> then);
  void change(std::string_view verb, const StreamConfig& config, Steady now, Then<StreamInfo> then);

  Bus& bus_;
  const std::string inbox_;
  Steady now_{};
  std::uint64_t count_ = 0;
  std::map<std::uint64_t, Asked> asked_;  // by their number: the oldest first, so the first is due
};

}  // namespace steward::bus
