#pragma once

#include "subjects/wire/headers.hpp"
#include "subjects/wire/subject.hpp"
#include "subjects/wire/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace steward::wire {

// Version of this contract, sent as ce-wire.
inline constexpr std::string_view kWireVersion = "1";

// What a message's payload may measure; larger things travel in chunks.
inline constexpr std::size_t kMaxPayloadBytes = 512 * 1024;

// How long a command may wait for its start when its sender does not say, and at the most.
inline constexpr std::chrono::hours kDefaultExpiry{1};
inline constexpr std::chrono::hours kLongestExpiry{24 * 30};

// A recorded event's place in its sender's outbox.
struct Position {
  MessageId epoch;      // of the outbox: a new one where its storage began anew
  std::uint64_t seq{};  // from 1, without gaps

  bool operator==(const Position&) const = default;
};

// What the headers of a message say (CloudEvents 1.0, binary mode).
struct Envelope {
  MessageId id;
  Source source;
  Subject subject;  // as its sender addressed it: @all for a broadcast, also when sent again to one
  Timestamp time;
  std::optional<Timestamp> expires;  // commands: do not start after it
  std::optional<MessageId> ref;      // the id answered
  std::optional<MessageId> job;      // one operator action on many units
  std::optional<Position> position;  // recorded events
  std::string target;                // broadcasts: who is meant; empty for all
  std::string key_id;
  std::string signature;
  std::string content_type = "application/json";
  std::string content_encoding;
  std::string traceparent;

  bool operator==(const Envelope&) const = default;
};

// Whether every header must be there, or missing ones are taken as fresh ones (a human at `nats
// pub`).
enum class Completeness { required, filled_in };

// What the envelope takes for headers that are missing, where that is allowed.
struct Fresh {
  MessageId id;
  Timestamp now;
};

// Reads and checks the headers of a message that came in on `subject`. Refused: a duplicate,
// unknown or malformed "ce-" header; a ce-type, ce-subject that does not fit the subject; a ce-wire
// of another version. Commands get an expiry if they carry none (time + 1 h); one longer than 30
// days is refused. Errors: bad_subject, bad_envelope, unsupported.
[[nodiscard]] Result<Envelope> decode_envelope(std::string_view subject,
                                               const Headers& headers,
                                               Completeness completeness,
                                               const Fresh& fresh);

// The headers of an envelope, in the order of the contract; also Nats-Msg-Id.
Headers encode_envelope(const Envelope& envelope);

// An envelope of a new message, with its defaults.
Envelope make_envelope(const MessageId& id, Source source, Subject subject, Timestamp now);

}  // namespace steward::wire
