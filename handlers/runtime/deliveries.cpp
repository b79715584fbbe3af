#include "handlers/runtime/deliveries.hpp"

#include <algorithm>
#include <utility>

namespace steward::runtime {

namespace {

// Of answers that wait to be looked at: more than any handler has on its way. One that finds no
// room is a delivery that is said again.
constexpr std::size_t kMostAnswers = 4'096;

}  // namespace

Deliveries::Deliveries(Loop& loop, bus::Bus& bus, const Clock& clock)
    : loop_(loop),
      bus_(bus),
      clock_(clock),
      jetstream_(bus, bus.new_inbox()),
      answers_(kMostAnswers,
               [this, &loop, alive = std::weak_ptr<bool>(alive_)] {
                 loop.post([this, alive] {
                   if (!alive.expired()) {
                     take_answers();
                   }
                 });
               }),
      deadline_(loop, [this] { look(); }) {
  auto hearing = bus_.subscribe(jetstream_.answers(), [this](bus::Message&& message) {
    static_cast<void>(answers_.push(std::move(message)));
  });
  if (hearing) {
    hearing_ = *std::move(hearing);
  }
}

Deliveries::~Deliveries() = default;

void Deliveries::send(bus::Message message, Then then) {
  jetstream_.store(
      std::move(message), clock_.steady(), [then = std::move(then)](const auto& stored) {
        then(stored ? Result<void>() : tl::unexpected<Error>(stored.error()));
      });
  look();
}

void Deliveries::refuse(Error error, Then then) {
  later([error = std::move(error), then = std::move(then)] { then(tl::unexpected<Error>(error)); });
}

void Deliveries::link_up() { jetstream_.link_lost(); }

void Deliveries::later(std::function<void()> function) {
  loop_.post([function = std::move(function), alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) {
      function();
    }
  });
}

void Deliveries::take_answers() {
  const auto now = clock_.steady();
  for (const auto& answer : answers_.take()) {
    jetstream_.take(answer, now);
  }
}

// Gives up what is due, but not within send(): what could not even be sent is due at once.
void Deliveries::look() {
  const auto next = jetstream_.next_deadline();
  if (!next) {
    return;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - clock_.steady());
  if (left.count() > 0) {
    if (!deadline_.active()) {
      deadline_.start(left);
    }
    return;
  }
  later([this] {
    jetstream_.tick(clock_.steady());
    deadline_.stop();
    look();
  });
}

}  // namespace steward::runtime
