#include "handlers/runtime/acks.hpp"

#include "subjects/bus/bus.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/ledger.hpp"
#include "subjects/bus/outbox.hpp"

#include <utility>

namespace steward::runtime {

namespace {

wire::Subject ack_subject(const wire::NodeName& node, const wire::Token& method) {
  static const auto kAck = wire::Token::parse("ack");
  return {node, wire::Kind::event, *kAck, method};
}

wire::Envelope answer(const House& house,
                      const wire::Subject& subject,
                      const wire::MessageId& ref,
                      const Acks::Job& job) {
  auto envelope = house.channel.envelope(subject, house.clock.now());
  envelope.ref = ref;
  envelope.job = job;
  return envelope;
}

std::string encode_within_limit(wire::Ack& ack) {
  std::string payload = wire::encode(ack);
  if (payload.size() <= wire::kMaxPayloadBytes) {
    return payload;
  }
  ack.result = R"({"truncated":true,"total_bytes":)" + std::to_string(ack.result.size()) + "}";
  if (ack.code.empty()) {
    ack.code = word(ErrorCode::too_large);
    ack.message = "the result does not fit one message";
  }
  return wire::encode(ack);
}

}  // namespace

Acks::Acks(const House& house, const wire::Token& method)
    : house_(house), subject_(ack_subject(house.node, method)) {}

void Acks::say(wire::Ack ack, const Job& job) const {
  std::string payload = encode_within_limit(ack);
  house_.ledger.record(ack);
  record_event(house_, answer(house_, subject_, ack.ref, job), std::move(payload));
}

std::string Acks::refuse(const wire::MessageId& ref,
                         const wire::Token& domain,
                         const Error& error,
                         const Job& job) const {
  wire::Ack ack{
      .ref = ref,
      .domain = domain.str(),
      .state = error.code == ErrorCode::expired ? wire::CommandState::expired
                                                : wire::CommandState::refused,
  };
  ack.code = word(error.code);
  ack.message = error.message;
  std::string payload = wire::encode(ack);
  const auto envelope = answer(house_, subject_, ref, job);
  if (house_.outbox.full()) {
    // Refusals cost their sender nothing: they must not push out what the station waits for.
    static_cast<void>(house_.bus.publish(house_.channel.seal(envelope, payload)));
  } else {
    record_event(house_, envelope, payload);
  }
  return payload;
}

void Acks::repeat(const wire::MessageId& ref, std::string payload, const Job& job) const {
  record_event(house_, answer(house_, subject_, ref, job), std::move(payload));
}

void record_event(const House& house, wire::Envelope envelope, std::string payload) {
  const auto message = house.outbox.add(
      [&house, &envelope, &payload](const wire::Position& position) {
        envelope.position = position;
        return house.channel.seal(envelope, std::move(payload));
      },
      house.clock.steady());
  static_cast<void>(house.bus.publish(message));
  if (house.recorded) {
    house.recorded();
  }
}

}  // namespace steward::runtime
