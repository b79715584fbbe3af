#include "steward/station.hpp"
#include "subjects/bus/crash_point.hpp"

#include <utility>

// Rollouts: what is due is released, committed, and only then published.

namespace steward::station {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRolloutRound{100};
constexpr std::chrono::seconds kLongUnseen{20};

// For units to say hello to a station that begins to act: who is away is not known before.
constexpr std::chrono::seconds kHellosCome{3};

}  // namespace

void Station::judge_rollouts() {
  const auto moment = now();
  if (!fold_.rollouts().is_active() || moment.steady < next_rollout_round_) {
    return;
  }
  next_rollout_round_ = moment.steady + kRolloutRound;
  const bool may = acting() && moment.steady >= acting_since_ + kHellosCome;
  fold_.judge_rollouts(may ? Fold::Acting::yes : Fold::Acting::no, moment);
  publish_released();
}

// A command may have ended a group, or one that was released may fly now.
void Station::go_on_with_rollouts() {
  if (fold_.rollouts().is_active()) {
    publish_released();
    tick_timer_.start(kRolloutRound / 5);
  }
}

// They go as they came: to the unit, and into the stream, which shows to this station and others
// that they are out. The broker drops what it has had within its window for repeats.
void Station::publish_released() {
  if (!acting() || disk_failing_) {
    return;
  }
  for (const auto& [rollout, number, subject] : fold_.due_releases(now())) {
    auto found = store_.find_rollout_command(rollout, number);
    if (!found || !*found) {
      disk_complaint_.say(found ? "a command of rollout " + rollout.str() + " is not to be had"
                                : found.error().text());
      continue;
    }
    bus::crash_point("station.rollout.released");
    const bus::Message message{
        subject, std::move((*found)->headers), std::move((*found)->payload), {}};
    if (auto sent = bus_.publish(message); !sent) {
      log_.debug("not published on " + subject + ": " + sent.error().text());
      return;
    }
    bus::crash_point("station.rollout.published");
  }
  const auto since = fold_.rollouts().unseen_since();
  if (since && clock_.steady() - *since > kLongUnseen) {
    stream_complaint_.say("the stream of commands does not take what rollouts release");
  }
}

}  // namespace steward::station
