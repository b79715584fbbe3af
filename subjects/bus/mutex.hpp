#pragma once

#include <condition_variable>
#include <mutex>

// What clang's -Wthread-safety needs to know which mutex guards what; nothing under g++.
// Source: clang.llvm.org/docs/ThreadSafetyAnalysis.html
#if defined(__clang__)
#define STEWARD_THREAD_SAFETY(attribute) __attribute__((attribute))
#else
#define STEWARD_THREAD_SAFETY(attribute)
#endif
#define STEWARD_GUARDED_BY(mutex) STEWARD_THREAD_SAFETY(guarded_by(mutex))
#define STEWARD_REQUIRES(mutex) STEWARD_THREAD_SAFETY(requires_capability(mutex))

namespace steward::bus {

// std::mutex, known to the analysis.
class STEWARD_THREAD_SAFETY(capability("mutex")) Mutex {
 public:
  void lock() STEWARD_THREAD_SAFETY(acquire_capability()) { mutex_.lock(); }

  void unlock() STEWARD_THREAD_SAFETY(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds a Mutex for a scope.
class STEWARD_THREAD_SAFETY(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mutex) STEWARD_THREAD_SAFETY(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }

  ~Lock() STEWARD_THREAD_SAFETY(release_capability()) { mutex_.unlock(); }

  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex that the caller holds: condition.wait_for(mutex_, 1s).
using Condition = std::condition_variable_any;

}  // namespace steward::bus
