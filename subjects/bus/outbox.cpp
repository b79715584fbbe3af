#include "subjects/bus/outbox.hpp"

#include <algorithm>
#include <utility>

namespace steward::bus {
namespace {

// No run leaves a gap in its numbers; what has a larger one than this is damage, not ours to send.
constexpr std::uint64_t kLargestGap = 65'536;

}  // namespace

Outbox::Outbox(wire::MessageId epoch, Limits limits) : epoch_(epoch), limits_(limits) {
  const Lock lock(mutex_);
  epochs_.push_back(Epoch{epoch, 1, {}});
  round_end_ = end();
}

Result<void> Outbox::load(Storage& storage, wire::Timestamp wall, Clock::time_point now) {
  const Lock lock(mutex_);
  epochs_.clear();
  const auto see = [this, wall, now](const KeptEvent& event) STEWARD_REQUIRES(mutex_) {
    const auto& [epoch, seq] = event.position;
    if (epochs_.empty() || epochs_.back().id != epoch) {
      epochs_.push_back(Epoch{epoch, seq, {}});
    }
    auto& into = epochs_.back();
    if (seq < into.end() || seq - into.end() > kLargestGap) {
      return;
    }
    const auto age = std::max(wall - event.recorded, wall - wall);
    while (into.end() <= seq) {
      into.kept.push_back(Kept{now - age, static_cast<std::uint32_t>(event.bytes)});
    }
  };
  auto visited = storage.visit_events(see);
  epochs_.push_back(Epoch{epoch_, 1, {}});
  if (first_kept()) {
    backoff_ = limits_.first_resend;
    due_ = now + backoff_;
  }
  begin_round(end(), end());
  return visited;
}

wire::Position Outbox::number(std::size_t bytes) {
  const Lock lock(mutex_);
  const wire::Position position{epoch_, epochs_.back().end() + numbered_.size()};
  numbered_.push_back(static_cast<std::uint32_t>(bytes));
  return position;
}

void Outbox::kept(Clock::time_point now) {
  const Lock lock(mutex_);
  for (const auto bytes : numbered_) {
    epochs_.back().kept.push_back(Kept{now, bytes});
  }
  if (!numbered_.empty() && !due_) {
    backoff_ = limits_.first_resend;
    due_ = now + backoff_;
  }
  numbered_.clear();
}

void Outbox::dropped() {
  const Lock lock(mutex_);
  numbered_.clear();
}

bool Outbox::acknowledged(const wire::MessageId& epoch, std::uint64_t upto, Clock::time_point now) {
  const Lock lock(mutex_);
  const auto at = std::find_if(
      epochs_.begin(), epochs_.end(), [&epoch](const Epoch& one) { return one.id == epoch; });
  if (at == epochs_.end() || upto >= at->end() || upto < at->first) {
    return false;
  }
  const auto count = static_cast<std::ptrdiff_t>(upto + 1 - at->first);
  at->kept.erase(at->kept.begin(), at->kept.begin() + count);
  at->first = upto + 1;
  if (!first_kept()) {
    due_.reset();
    return true;
  }
  const Place behind{static_cast<std::size_t>(at - epochs_.begin()), upto + 1};
  if (round_next_.epoch == behind.epoch) {
    round_next_ = std::max(round_next_, behind);
  }
  prompted_ = count_between(round_next_, round_end_) > 0;
  backoff_ = limits_.first_resend;
  due_ = prompted_ ? now : now + backoff_;
  return true;
}

std::vector<wire::Position> Outbox::due(Clock::time_point now) {
  const Lock lock(mutex_);
  std::vector<wire::Position> out;
  if (!due_ || now < *due_) {
    return out;
  }
  if (!first_kept()) {
    due_.reset();
    return out;
  }
  if (!prompted_) {
    // Nothing was acknowledged in time: from the oldest on, but not what has just been published.
    const auto first = *first_kept();
    const auto young = first_younger_than(now - limits_.first_resend);
    if (young == first) {
      due_ = at(first).since + limits_.first_resend;
      return out;
    }
    begin_round(first, young.value_or(end()));
    backoff_ = std::min(backoff_ * 2, limits_.longest_resend);
  }
  prompted_ = false;
  due_ = now + backoff_;
  const auto in_flight = count_between(window_from_, round_next_);
  auto room = limits_.window - std::min(limits_.window, in_flight);
  std::size_t bytes = 0;
  for (; round_next_.epoch < epochs_.size(); round_next_ = Place{round_next_.epoch + 1, 0}) {
    const auto& epoch = epochs_[round_next_.epoch];
    round_next_.seq = std::max(round_next_.seq, epoch.first);
    for (; round_next_.seq < epoch.end() && round_next_ < round_end_; ++round_next_.seq) {
      if (room == 0) {
        return out;
      }
      if (bytes >= limits_.batch_bytes) {
        prompted_ = true;  // the rest as soon as this is out
        due_ = now;
        return out;
      }
      out.push_back({epoch.id, round_next_.seq});
      bytes += at(round_next_).bytes;
      --room;
    }
    if (round_next_.epoch + 1 == epochs_.size() || round_next_ >= round_end_) {
      break;
    }
  }
  return out;
}

std::optional<Outbox::Clock::time_point> Outbox::next_due() const {
  const Lock lock(mutex_);
  return due_;
}

void Outbox::send_again(Clock::time_point now) {
  const Lock lock(mutex_);
  if (const auto first = first_kept()) {
    send_from(*first, now);
  }
}

void Outbox::send_again(const wire::MessageId& epoch, std::uint64_t from, Clock::time_point now) {
  const Lock lock(mutex_);
  for (std::size_t i = 0; i < epochs_.size(); ++i) {
    if (epochs_[i].id == epoch && from < epochs_[i].end()) {
      send_from(Place{i, std::max(from, epochs_[i].first)}, now);
    }
  }
}

void Outbox::send_from(Place from, Clock::time_point now) {
  begin_round(from, end());
  prompted_ = true;
  backoff_ = limits_.first_resend;
  due_ = now;
}

void Outbox::begin_round(Place from, Place end) {
  round_next_ = from;
  round_end_ = end;
  window_from_ = from;
}

std::optional<Outbox::Place> Outbox::first_kept() const {
  for (std::size_t i = 0; i < epochs_.size(); ++i) {
    if (!epochs_[i].kept.empty()) {
      return Place{i, epochs_[i].first};
    }
  }
  return std::nullopt;
}

Outbox::Place Outbox::end() const { return {epochs_.size() - 1, epochs_.back().end()}; }

const Outbox::Kept& Outbox::at(Place place) const {
  const auto& epoch = epochs_[place.epoch];
  return epoch.kept[place.seq - epoch.first];
}

std::optional<Outbox::Place> Outbox::first_younger_than(Clock::time_point since) const {
  for (std::size_t i = 0; i < epochs_.size(); ++i) {
    const auto& kept = epochs_[i].kept;
    if (kept.empty() || kept.back().since <= since) {
      continue;
    }
    const auto young = std::partition_point(
        kept.begin(), kept.end(), [since](const Kept& one) { return one.since <= since; });
    return Place{i, epochs_[i].first + static_cast<std::uint64_t>(young - kept.begin())};
  }
  return std::nullopt;
}

std::size_t Outbox::count_between(Place from, Place to) const {
  std::size_t count = 0;
  for (std::size_t i = from.epoch; i <= to.epoch && i < epochs_.size(); ++i) {
    const auto& epoch = epochs_[i];
    const auto low = i == from.epoch ? std::max(from.seq, epoch.first) : epoch.first;
    const auto high = i == to.epoch ? std::min(to.seq, epoch.end()) : epoch.end();
    count += high > low ? high - low : 0;
  }
  return count;
}

std::vector<wire::Position> Outbox::begins(std::size_t most) const {
  const Lock lock(mutex_);
  std::vector<wire::Position> begins;
  for (const auto& epoch : epochs_) {
    const bool ours = &epoch == &epochs_.back();
    if (ours || (!epoch.kept.empty() && begins.size() + 1 < most)) {
      begins.push_back({epoch.id, epoch.first});
    }
  }
  return begins;
}

std::size_t Outbox::depth() const {
  const Lock lock(mutex_);
  std::size_t count = 0;
  for (const auto& epoch : epochs_) {
    count += epoch.kept.size();
  }
  return count;
}

std::chrono::milliseconds Outbox::oldest(Clock::time_point now) const {
  const Lock lock(mutex_);
  const auto first = first_kept();
  if (!first) {
    return std::chrono::milliseconds(0);
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - at(*first).since);
}

}  // namespace steward::bus
