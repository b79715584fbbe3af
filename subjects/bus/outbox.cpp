#include "subjects/bus/outbox.hpp"

#include <algorithm>
#include <utility>

namespace steward::bus {
namespace {

std::size_t size_of(const Message& message) {
  std::size_t bytes = message.subject.size() + message.payload.size();
  for (const auto& [name, value] : message.headers) {
    bytes += name.size() + value.size();
  }
  return bytes;
}

}  // namespace

Outbox::Outbox(wire::MessageId epoch, Limits limits) : epoch_(epoch), limits_(limits) {}

Message Outbox::add(const std::function<Message(const wire::Position&)>& seal,
                    Clock::time_point now) {
  const Lock lock(mutex_);
  const auto seq = next_seq_++;
  auto message = seal(wire::Position{epoch_, seq});
  bytes_ += size_of(message);
  kept_.push_back(Kept{seq, message, now});
  if (!due_) {
    backoff_ = limits_.first_resend;
    due_ = now + backoff_;
  }
  return message;
}

void Outbox::acknowledged(const wire::MessageId& epoch, std::uint64_t upto, Clock::time_point now) {
  const Lock lock(mutex_);
  if (epoch != epoch_ || upto >= next_seq_ || kept_.empty() || upto < kept_.front().seq) {
    return;
  }
  while (!kept_.empty() && kept_.front().seq <= upto) {
    bytes_ -= size_of(kept_.front().message);
    kept_.pop_front();
  }
  if (kept_.empty()) {
    due_.reset();
    return;
  }
  window_from_ = std::max(window_from_, upto + 1);
  round_next_ = std::max(round_next_, upto + 1);
  prompted_ = round_next_ <= round_last_;
  backoff_ = limits_.first_resend;
  due_ = prompted_ ? now : now + backoff_;
}

std::vector<Message> Outbox::due(Clock::time_point now) {
  const Lock lock(mutex_);
  std::vector<Message> out;
  if (!due_ || now < *due_) {
    return out;
  }
  if (!prompted_) {
    // Nothing was acknowledged in time: from the oldest on, but not what has just been published.
    const auto fresh = std::find_if(kept_.begin(), kept_.end(), [this, now](const Kept& kept) {
      return now - kept.since < limits_.first_resend;
    });
    if (fresh == kept_.begin()) {
      due_ = fresh->since + limits_.first_resend;
      return out;
    }
    const auto first = kept_.front().seq;
    begin_round(first, first + static_cast<std::uint64_t>(fresh - kept_.begin()) - 1);
    backoff_ = std::min(backoff_ * 2, limits_.longest_resend);
  }
  prompted_ = false;
  due_ = now + backoff_;
  const auto end = std::min(round_last_ + 1, window_from_ + limits_.window);
  for (; round_next_ < end; ++round_next_) {
    out.push_back(kept_[round_next_ - kept_.front().seq].message);
  }
  return out;
}

std::optional<Outbox::Clock::time_point> Outbox::next_due() const {
  const Lock lock(mutex_);
  return due_;
}

void Outbox::send_again(std::uint64_t from, Clock::time_point now) {
  const Lock lock(mutex_);
  if (kept_.empty() || from > kept_.back().seq) {
    return;
  }
  begin_round(std::max(from, kept_.front().seq), kept_.back().seq);
  prompted_ = true;
  backoff_ = limits_.first_resend;
  due_ = now;
}

void Outbox::begin_round(std::uint64_t from, std::uint64_t upto) {
  round_next_ = from;
  round_last_ = upto;
  window_from_ = from;
}

bool Outbox::full() const {
  const Lock lock(mutex_);
  return bytes_ >= limits_.bytes;
}

std::size_t Outbox::depth() const {
  const Lock lock(mutex_);
  return kept_.size();
}

std::chrono::milliseconds Outbox::oldest(Clock::time_point now) const {
  const Lock lock(mutex_);
  if (kept_.empty()) {
    return std::chrono::milliseconds(0);
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - kept_.front().since);
}

}  // namespace steward::bus
