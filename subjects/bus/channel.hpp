#pragma once

#include "subjects/bus/message.hpp"
#include "subjects/wire/envelope.hpp"

#include <functional>
#include <optional>
#include <string>

namespace steward::bus {

// A message that has passed every check of the channel.
struct Opened {
  wire::Envelope envelope;
  wire::Subject transport;  // the subject it came on; differs from envelope.subject for a broadcast
                            // that was sent again to one unit
  std::string payload;
};

// Why a message was not opened, with its id and job where those could be read: a command that names
// itself is answered, anything else only counted.
struct Refusal {
  Error error;
  std::optional<wire::MessageId> id;
  std::optional<wire::MessageId> job = std::nullopt;
};

class Guard;

// Turns bytes into checked messages and back: the one gate between the bus and everything that
// acts. Checks are made cheap first (README of wire, section 6). Stateless: any thread.
class Channel {
 public:
  // Makes ids; called on any thread. See system_ids().
  using NewId = std::function<wire::MessageId(wire::Timestamp now)>;

  // With a guard, which outlives it, messages are signed and checked, and every header has to be
  // there; null: neither.
  Channel(wire::Source own,
          wire::Completeness completeness,
          NewId new_id,
          const Guard* guard = nullptr);

  bool guarded() const { return guard_ != nullptr; }

  // A command for this node (or @all): also refuses what is for another node, has expired, or is
  // not allowed. Of what a guarded channel refuses nothing is proven, the id neither.
  [[nodiscard]] tl::expected<Opened, Refusal> open_command(const wire::NodeName& own,
                                                           Message&& message,
                                                           wire::Timestamp now) const;

  // Whether an opened command may be carried out now: asked again when it starts, since its
  // signer's rights may have ended. Errors: Guard::allows()'s.
  [[nodiscard]] Result<void> allows(const wire::NodeName& own,
                                    const Opened& command,
                                    wire::Timestamp now) const;

  // Any command or event, as a station or a reader follows them. Expiry and rights of commands are
  // not looked at; an event has to be its node's.
  [[nodiscard]] tl::expected<Opened, Refusal> open(Message&& message, wire::Timestamp now) const;

  wire::MessageId new_id(wire::Timestamp now) const { return new_id_(now); }

  // An envelope of a new message of this node.
  wire::Envelope envelope(wire::Subject subject, wire::Timestamp now) const;

  // The bytes of a message on its own subject, signed where that is due.
  Message seal(const wire::Envelope& envelope, std::string payload) const;

 private:
  tl::expected<Opened, Refusal> decode(wire::Subject transport,
                                       Message&& message,
                                       wire::Timestamp now) const;

  wire::Source own_;
  wire::Completeness completeness_;
  NewId new_id_;
  const Guard* guard_;
};

// Ids of the operating system's random bits (getrandom), sorted within a millisecond by their
// making.
Channel::NewId system_ids();

}  // namespace steward::bus
