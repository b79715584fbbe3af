#include "subjects/bus/log_reader.hpp"

#include <algorithm>
#include <utility>

namespace steward::bus {

LogReader::LogReader(Bus& bus,
                     const Query& query,
                     Bus::Sink sink,
                     std::function<void(std::string)> said)
    : bus_(bus),
      jetstream_(bus, bus.new_inbox()),
      follower_(bus,
                jetstream_,
                {"LOGS", query.tag, query.subject, query.since},
                {},
                {std::move(sink),
                 [this] { missing_ = true; },
                 [this](std::string text) { said_(std::move(text)); }}),
      merge_(query.window),
      said_(std::move(said)) {}

Result<void> LogReader::open(const Bus::Sink& sink) {
  STEWARD_TRY(answers_, bus_.subscribe(jetstream_.answers(), sink));
  return {};
}

void LogReader::tick(Steady now) {
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

void LogReader::take(const Message& message, Steady now) {
  if (message.subject.starts_with(
          jetstream_.answers().substr(0, jetstream_.answers().size() - 1))) {
    jetstream_.take(message, now);
    return;
  }
  const auto taken = follower_.take(message, now);
  if (taken.kind == Follower::Taken::Kind::pause) {
    follower_.resume(taken.resume);
  } else if (taken.kind == Follower::Taken::Kind::message) {
    missing_ = false;
    if (auto read = merge_.take(message); !read) {
      said_("a message of " + message.subject + " is no log: " + read.error().text());
    }
  }
}

std::optional<LogReader::Steady> LogReader::next_deadline() const {
  const auto ours = jetstream_.next_deadline();
  const auto its = follower_.next_deadline();
  return ours && its ? std::min(*ours, *its) : ours ? ours : its;
}

}  // namespace steward::bus
