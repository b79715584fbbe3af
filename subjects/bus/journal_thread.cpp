#include "subjects/bus/journal_thread.hpp"

#include "subjects/bus/signals_blocked.hpp"

#include <chrono>
#include <utility>

namespace steward::bus {
namespace {

// Between attempts to write what the disk does not take.
constexpr std::chrono::seconds kPause{1};

}  // namespace

JournalThread::JournalThread(Journal& journal,
                             std::function<void(const std::optional<Error>&)> changed)
    : journal_(journal), changed_(std::move(changed)) {
  journal_.on_wake([this] { wake(); });
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

JournalThread::~JournalThread() {
  {
    const Lock lock(mutex_);
    ending_ = true;
  }
  condition_.notify_one();
  thread_.join();
}

void JournalThread::wake() {
  {
    const Lock lock(mutex_);
    if (std::exchange(woken_, true)) {
      return;
    }
  }
  condition_.notify_one();
}

void JournalThread::run() {
  for (;;) {
    {
      const Lock lock(mutex_);
      if (in_trouble_ && journal_.waits()) {
        condition_.wait_for(mutex_, kPause, [this]() STEWARD_REQUIRES(mutex_) { return ending_; });
      } else {
        condition_.wait(mutex_, [this]() STEWARD_REQUIRES(mutex_) { return woken_ || ending_; });
      }
      woken_ = false;
      if (ending_) {
        break;
      }
    }
    pump();
  }
  // What the callbacks of one group write goes with the next.
  while (journal_.waits() && journal_.pump() == Journal::Outcome::done) {
  }
}

void JournalThread::pump() {
  const auto outcome = journal_.pump();
  const bool troubled =
      outcome == Journal::Outcome::failed || (in_trouble_ && journal_.trouble().has_value());
  if (troubled != in_trouble_) {
    in_trouble_ = troubled;
    changed_(journal_.trouble());
  }
}

}  // namespace steward::bus
