#include "subjects/bus/channel.hpp"

#include "subjects/bus/guard.hpp"
#include "subjects/bus/mutex.hpp"

#include <sys/random.h>

#include <chrono>
#include <memory>
#include <utility>

namespace steward::bus {
namespace {

std::optional<wire::MessageId> readable_id(const Message& message, std::string_view header) {
  const auto text = message.headers.find(header);
  if (!text) {
    return std::nullopt;
  }
  auto id = wire::MessageId::parse(*text);
  return id ? std::optional(*id) : std::nullopt;
}

tl::unexpected<Refusal> refusal(Error error, const Message& message) {
  return tl::unexpected<Refusal>(
      Refusal{std::move(error), readable_id(message, "ce-id"), readable_id(message, "ce-job")});
}

std::uint64_t unix_milliseconds(wire::Timestamp now) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  return since.count() < 0 ? 0 : static_cast<std::uint64_t>(since.count());
}

// The two cheapest checks: size and subject.
Result<wire::Subject> subject_of(const Message& message) {
  if (message.payload.size() > wire::kMaxPayloadBytes) {
    return failure(ErrorCode::too_large,
                   "the payload has " + std::to_string(message.payload.size()) +
                       " bytes, the most is " + std::to_string(wire::kMaxPayloadBytes));
  }
  return wire::Subject::parse(message.subject);
}

}  // namespace

Channel::Channel(wire::Source own,
                 wire::Completeness completeness,
                 NewId new_id,
                 const Guard* guard)
    : own_(std::move(own)),
      completeness_(guard == nullptr ? completeness : wire::Completeness::required),
      new_id_(std::move(new_id)),
      guard_(guard) {}

tl::expected<Opened, Refusal> Channel::open(Message&& message, wire::Timestamp now) const {
  auto transport = subject_of(message);
  if (!transport) {
    return refusal(std::move(transport).error(), message);
  }
  auto opened = decode(*std::move(transport), std::move(message), now);
  if (opened && guard_ != nullptr && opened->envelope.subject.kind == wire::Kind::event) {
    if (auto said = guard_->believes(opened->envelope, opened->payload, now); !said) {
      return tl::unexpected<Refusal>(
          Refusal{std::move(said).error(), opened->envelope.id, opened->envelope.job});
    }
  }
  return opened;
}

tl::expected<Opened, Refusal> Channel::open_command(const wire::NodeName& own,
                                                    Message&& message,
                                                    wire::Timestamp now) const {
  auto transport = subject_of(message);
  if (!transport) {
    return refusal(std::move(transport).error(), message);
  }
  if (transport->kind != wire::Kind::command) {
    return refusal(Error{ErrorCode::bad_subject, "an event is not a command"}, message);
  }
  if (!transport->is_broadcast() && *transport->node != own) {
    return refusal(Error{ErrorCode::wrong_node, "it is for " + transport->node->str()}, message);
  }
  auto opened = decode(*std::move(transport), std::move(message), now);
  if (opened && opened->envelope.expires && *opened->envelope.expires < now) {
    Error late{ErrorCode::expired, "it expired at " + wire::format_time(*opened->envelope.expires)};
    return tl::unexpected<Refusal>(
        Refusal{std::move(late), opened->envelope.id, opened->envelope.job});
  }
  if (opened) {
    if (auto allowed = allows(own, *opened, now); !allowed) {
      return tl::unexpected<Refusal>(
          Refusal{std::move(allowed).error(), opened->envelope.id, opened->envelope.job});
    }
  }
  return opened;
}

Result<void> Channel::allows(const wire::NodeName& own,
                             const Opened& command,
                             wire::Timestamp now) const {
  if (guard_ == nullptr) {
    return {};
  }
  return guard_->allows(own, command.envelope, command.payload, now);
}

tl::expected<Opened, Refusal> Channel::decode(wire::Subject transport,
                                              Message&& message,
                                              wire::Timestamp now) const {
  const auto own_id = readable_id(message, "ce-id");
  auto envelope = wire::decode_envelope(message.subject,
                                        message.headers,
                                        completeness_,
                                        wire::Fresh{own_id ? *own_id : new_id_(now), now});
  if (!envelope) {
    return refusal(std::move(envelope).error(), message);
  }
  return Opened{*std::move(envelope), std::move(transport), std::move(message.payload)};
}

wire::Envelope Channel::envelope(wire::Subject subject, wire::Timestamp now) const {
  return wire::make_envelope(new_id_(now), own_, std::move(subject), now);
}

Message Channel::seal(const wire::Envelope& envelope, std::string payload) const {
  if (guard_ == nullptr) {
    return Message{envelope.subject.str(), wire::encode_envelope(envelope), std::move(payload), {}};
  }
  auto signed_envelope = envelope;
  guard_->sign(signed_envelope, payload);
  return Message{
      envelope.subject.str(), wire::encode_envelope(signed_envelope), std::move(payload), {}};
}

namespace {

// Ids of one millisecond are made from one random draw, counted up, so that they sort by their
// making.
class SystemIds {
 public:
  wire::MessageId next(wire::Timestamp now) {
    const Lock lock(mutex_);
    const auto milliseconds = unix_milliseconds(now);
    if (milliseconds != last_ || !count_up()) {
      last_ = milliseconds;
      draw();
    }
    return wire::MessageId::make(last_, random_);
  }

 private:
  void draw() STEWARD_REQUIRES(mutex_) {
    // Ten bytes come whole once the kernel's pool is initialised (getrandom(2)).
    while (getrandom(random_.data(), random_.size(), 0) != static_cast<ssize_t>(random_.size())) {
    }
  }

  // False when the 80 bits have run over.
  bool count_up() STEWARD_REQUIRES(mutex_) {
    for (auto byte = random_.rbegin(); byte != random_.rend(); ++byte) {
      if (++*byte != 0) {
        return true;
      }
    }
    return false;
  }

  Mutex mutex_;
  std::uint64_t last_ STEWARD_GUARDED_BY(mutex_) = UINT64_MAX;
  wire::MessageId::Randomness random_ STEWARD_GUARDED_BY(mutex_){};
};

}  // namespace

Channel::NewId system_ids() {
  return [ids = std::make_shared<SystemIds>()](wire::Timestamp now) { return ids->next(now); };
}

}  // namespace steward::bus
