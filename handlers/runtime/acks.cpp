#include "handlers/runtime/acks.hpp"

#include "subjects/bus/bus.hpp"
#include "subjects/bus/channel.hpp"
#include "subjects/bus/ledger.hpp"

#include <utility>

namespace steward::runtime {

namespace {

wire::Subject ack_subject(const wire::NodeName& node, const wire::Token& method) {
  static const auto kAck = wire::Token::parse("ack");
  return {node, wire::Kind::event, *kAck, method};
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
    : bus_(house.bus),
      channel_(house.channel),
      ledger_(house.ledger),
      clock_(house.clock),
      subject_(ack_subject(house.node, method)) {}

void Acks::say(wire::Ack ack, const Job& job) const {
  std::string payload = encode_within_limit(ack);
  auto kept = bus::Ledger::kept_form(ack, payload);
  ledger_.step(ack.ref, ack.state, std::move(kept), event(ack.ref, std::move(payload), job));
}

bus::Event Acks::event(const wire::MessageId& ref, std::string payload, const Job& job) const {
  auto envelope = channel_.envelope(subject_, clock_.now());
  envelope.ref = ref;
  envelope.job = job;
  return {std::move(envelope), std::move(payload)};
}

void Acks::say_plainly(const wire::MessageId& ref, std::string payload, const Job& job) const {
  auto [envelope, bytes] = event(ref, std::move(payload), job);
  static_cast<void>(bus_.publish(channel_.seal(envelope, std::move(bytes))));
}

wire::Ack refusal(const wire::MessageId& ref, const std::string& domain, const Error& error) {
  wire::Ack ack{
      .ref = ref,
      .domain = domain,
      .state = error.code == ErrorCode::expired ? wire::CommandState::expired
                                                : wire::CommandState::refused,
  };
  ack.code = word(error.code);
  ack.message = error.message;
  return ack;
}

void record_event(const House& house, wire::Envelope envelope, std::string payload) {
  auto event = std::make_shared<bus::Event>(bus::Event{std::move(envelope), std::move(payload)});
  house.journal.write([event](bus::Journal::Turn& turn) { return turn.record(*event); }, {});
}

}  // namespace steward::runtime
