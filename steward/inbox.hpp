#pragma once

#include "subjects/bus/mailbox.hpp"
#include "subjects/bus/message.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace steward::station {

// Messages on their way from the bus's threads to the fold: bounded by their number and by their
// bytes. What does not fit is dropped and counted: units send recorded events again, and a
// command's ACKs make it known.
class Inbox {
 public:
  struct Bounds {
    std::size_t messages = 65'536;
    std::size_t bytes = 64 * 1024 * 1024;
  };

  Inbox(Bounds bounds, std::function<void()> wake)
      : bounds_(bounds), mailbox_(bounds.messages, std::move(wake)) {}

  // Any thread.
  void push(bus::Message&& message) {
    const std::size_t size = size_of(message);
    const std::size_t before = bytes_.fetch_add(size, std::memory_order_relaxed);
    if (before + size > bounds_.bytes || !mailbox_.push(std::move(message))) {
      bytes_.fetch_sub(size, std::memory_order_relaxed);
      dropped_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  // The owner's thread: all that there is, in order.
  std::vector<bus::Message> take() { return mailbox_.take(); }

  // The owner's thread: a message that was taken is done with.
  void release(std::size_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  void close() { mailbox_.close(); }

  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  static std::size_t size_of(const bus::Message& message) {
    constexpr std::size_t kOverhead = 1024;  // headers and the message itself, about
    return kOverhead + message.subject.size() + message.payload.size();
  }

 private:
  const Bounds bounds_;
  bus::Mailbox<bus::Message> mailbox_;
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace steward::station
