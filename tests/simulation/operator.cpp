#include "tests/simulation/operator.hpp"

#include "tests/simulation/unit.hpp"

#include <algorithm>
#include <utility>

namespace steward::simulation {
namespace {

constexpr std::chrono::milliseconds kInsist{2'000};

}  // namespace

Operator::Operator(World& world)
    : world_(world),
      clock_(world.timeline, world.random),
      channel_(*wire::Source::parse("/operator/eva"), wire::Completeness::required, clock_.ids()),
      link_(world.broker, "eva", [](bus::LinkState) {}) {
  hearing_ = *link_.subscribe("_INBOX.eva.*", [this](bus::Message&& message) { hear(message); });
}

wire::MessageId Operator::reserve() { return clock_.new_id(); }

const Operator::Given& Operator::give(const Order& order) {
  return give_reserved(reserve(), order);
}

const Operator::Given& Operator::give_reserved(const wire::MessageId& id, const Order& order) {
  const auto subject =
      wire::Subject::parse(order.unit + ".command." + Unit::kMethod + "." + Unit::kDomain);
  auto envelope =
      wire::make_envelope(id, *wire::Source::parse("/operator/eva"), *subject, clock_.now());
  envelope.expires = clock_.now() + order.expires;
  const std::string payload = order.cancels
                                  ? R"({"op":"cancel","ref":")" + order.cancels->str() + "\"}"
                                  : "{\"ms\":" + std::to_string(order.takes.count()) +
                                        (order.repeatable ? ",\"repeatable\":true}" : "}");
  auto given = std::make_unique<Given>(Given{id,
                                             order.unit,
                                             order.cancels,
                                             order.repeatable,
                                             order.expires < std::chrono::hours(1),
                                             false,
                                             channel_.seal(envelope, payload)});
  given->message.reply = "_INBOX.eva." + id.str();
  given_.push_back(std::move(given));
  insist(*given_.back());
  return *given_.back();
}

void Operator::insist(Given& given) {
  if (given.stored) {
    return;
  }
  static_cast<void>(link_.publish(given.message).has_value());
  world_.timeline.after(kInsist, [this, &given] { insist(given); });
}

void Operator::repeat(const wire::MessageId& id) {
  for (const auto& given : given_) {
    if (given->id == id) {
      static_cast<void>(link_.publish(given->message).has_value());
    }
  }
}

void Operator::hear(const bus::Message& message) {
  for (const auto& given : given_) {
    if (message.subject == given->message.reply) {
      given->stored = true;
    }
  }
}

}  // namespace steward::simulation
