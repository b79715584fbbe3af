#include "subjects/bus/memory_bus.hpp"

#include "subjects/bus/interest.hpp"
#include "subjects/bus/mutex.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace steward::bus {

struct MemoryBus::Hub {
  Mutex mutex;
  std::vector<std::shared_ptr<Interest>> interests STEWARD_GUARDED_BY(mutex);
  std::vector<Message> published STEWARD_GUARDED_BY(mutex);
  LinkState link STEWARD_GUARDED_BY(mutex) = LinkState::up;
  std::uint64_t connects STEWARD_GUARDED_BY(mutex) = 1;
  std::atomic<std::uint64_t> inboxes{0};
};

namespace {

template <class Hub>
class MemorySubscription final : public Subscription {
 public:
  MemorySubscription(std::shared_ptr<Hub> hub, std::shared_ptr<Interest> interest)
      : hub_(std::move(hub)), interest_(std::move(interest)) {}

  ~MemorySubscription() override {
    interest_->end();
    const Lock lock(hub_->mutex);
    std::erase(hub_->interests, interest_);
  }

 private:
  std::shared_ptr<Hub> hub_;
  std::shared_ptr<Interest> interest_;
};

}  // namespace

MemoryBus::MemoryBus() : hub_(std::make_shared<Hub>()) {}

MemoryBus::~MemoryBus() = default;

Result<void> MemoryBus::publish(const Message& message) {
  if (!is_subject(message.subject)) {
    return failure(ErrorCode::bad_subject, "not a subject that can be published to");
  }
  std::vector<std::shared_ptr<Interest>> interested;
  {
    const Lock lock(hub_->mutex);
    if (hub_->link != LinkState::up) {
      return failure(ErrorCode::unavailable, "no link to the broker");
    }
    hub_->published.push_back(message);
    for (const auto& interest : hub_->interests) {
      if (subject_matches(interest->subject(), message.subject)) {
        interested.push_back(interest);
      }
    }
  }
  for (const auto& interest : interested) {
    interest->deliver(Message(message));
  }
  return {};
}

Result<std::unique_ptr<Subscription>> MemoryBus::subscribe(const std::string& subject, Sink sink) {
  if (!is_pattern(subject)) {
    return failure(ErrorCode::bad_subject, "not a subject that can be heard");
  }
  auto interest = std::make_shared<Interest>(subject, std::move(sink));
  const Lock lock(hub_->mutex);
  hub_->interests.push_back(interest);
  return std::make_unique<MemorySubscription<Hub>>(hub_, interest);
}

std::string MemoryBus::new_inbox() { return "_INBOX.memory." + std::to_string(++hub_->inboxes); }

LinkStatus MemoryBus::status() const {
  const Lock lock(hub_->mutex);
  LinkStatus status;
  status.state = hub_->link;
  status.connects = hub_->connects;
  return status;
}

Result<void> MemoryBus::flush(std::chrono::milliseconds) {
  const Lock lock(hub_->mutex);
  if (hub_->link != LinkState::up) {
    return failure(ErrorCode::unavailable, "no link to the broker");
  }
  return {};
}

void MemoryBus::set_link(LinkState state) {
  const Lock lock(hub_->mutex);
  if (state == LinkState::up && hub_->link != LinkState::up) {
    ++hub_->connects;
  }
  hub_->link = state;
}

std::vector<Message> MemoryBus::published() const {
  const Lock lock(hub_->mutex);
  return hub_->published;
}

}  // namespace steward::bus
