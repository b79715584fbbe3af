#pragma once

#include "subjects/bus/mutex.hpp"

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace steward::bus {

// Hands things from many threads to one: a bounded list that is taken out whole. `wake` tells the
// owner that there is something (uv_async_send, a condition variable); it is called outside the
// lock, once for each emptying at the least, so the owner always takes all.
template <class T>
class Mailbox {
 public:
  Mailbox(std::size_t capacity, std::function<void()> wake)
      : capacity_(capacity), wake_(std::move(wake)) {}

  // Any thread. False when it is full or closed: the thing stays the caller's to refuse.
  [[nodiscard]] bool push(T&& thing) {
    bool was_empty = false;
    {
      const Lock lock(mutex_);
      if (closed_ || things_.size() >= capacity_) {
        return false;
      }
      was_empty = things_.empty();
      things_.push_back(std::move(thing));
    }
    if (was_empty) {
      wake_();
    }
    return true;
  }

  // The owner's thread: all that there is, in order.
  std::vector<T> take() {
    const Lock lock(mutex_);
    return std::exchange(things_, {});
  }

  // Refuses everything from now on; what is in it can still be taken.
  void close() {
    const Lock lock(mutex_);
    closed_ = true;
  }

 private:
  const std::size_t capacity_;
  const std::function<void()> wake_;
  Mutex mutex_;
  std::vector<T> things_ STEWARD_GUARDED_BY(mutex_);
  bool closed_ STEWARD_GUARDED_BY(mutex_) = false;
};

}  // namespace steward::bus
