#pragma once

#include "subjects/bus/journal.hpp"
#include "subjects/bus/mutex.hpp"

#include <functional>
#include <optional>
#include <thread>

namespace steward::bus {

// Pumps a journal on a thread of its own: at each wake(), and every second while what it has was
// not taken by the disk.
class JournalThread {
 public:
  // `changed`, on that thread: the disk does not take writes, for that reason; or takes them again.
  JournalThread(Journal& journal, std::function<void(const std::optional<Error>&)> changed);

  // Writes what waits, once, and ends.
  ~JournalThread();
  JournalThread(const JournalThread&) = delete;
  JournalThread& operator=(const JournalThread&) = delete;

 private:
  void run();
  void wake();
  void pump();

  Journal& journal_;
  const std::function<void(const std::optional<Error>&)> changed_;
  bool in_trouble_ = false;  // the thread's own
  Mutex mutex_;
  Condition condition_;
  bool woken_ STEWARD_GUARDED_BY(mutex_) = false;
  bool ending_ STEWARD_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it sees all the others
};

}  // namespace steward::bus
