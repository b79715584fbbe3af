#include "subjects/bus/stream_reader.hpp"

#include <algorithm>
#include <utility>

namespace steward::bus {

StreamReader::StreamReader(Bus& bus,
                           Follower::Settings settings,
                           StreamPosition last,
                           Bus::Sink sink,
                           std::function<void(std::string)> said)
    : bus_(bus),
      jetstream_(bus, bus.new_inbox()),
      sink_(std::move(sink)),
      said_(std::move(said)),
      follower_(bus,
                jetstream_,
                std::move(settings),
                std::move(last),
                {sink_,
                 [this] { missing_ = true; },
                 [this](std::string text) { said_(std::move(text)); }}) {}

Result<void> StreamReader::open() {
  STEWARD_TRY(answers_, bus_.subscribe(jetstream_.answers(), sink_));
  return {};
}

void StreamReader::tick(Steady now) {
  const auto status = bus_.status();
  const bool up = status.state == LinkState::up;
  if (up != up_ || status.connects != connects_) {
    if (up_) {
      jetstream_.link_lost();
      follower_.link(false, now);
    }
    if (up) {
      follower_.link(true, now);
    }
    up_ = up;
    connects_ = status.connects;
  }
  jetstream_.tick(now);
  follower_.tick(now);
}

Follower::Taken StreamReader::take(const Message& message, Steady now) {
  if (message.subject.starts_with(
          jetstream_.answers().substr(0, jetstream_.answers().size() - 1))) {
    jetstream_.take(message, now);
    return {};
  }
  auto taken = follower_.take(message, now);
  if (taken.kind == Follower::Taken::Kind::message) {
    missing_ = false;
  }
  return taken;
}

std::optional<StreamReader::Steady> StreamReader::next_deadline() const {
  const auto ours = jetstream_.next_deadline();
  const auto its = follower_.next_deadline();
  return ours && its ? std::min(*ours, *its) : ours ? ours : its;
}

}  // namespace steward::bus
