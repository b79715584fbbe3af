#pragma once

#include "steward/logs/hand_on_store.hpp"
#include "subjects/wire/error.hpp"

#include <chrono>
#include <cstddef>

namespace steward::station {

// Where groups of lines go. One thread. After an error of any of its functions it has forgotten the
// groups that were not settled: they have to be given again.
class Outlet {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  virtual ~Outlet() = default;

  // Does what is due: connects, writes, hears that the other side is gone.
  [[nodiscard]] virtual Result<void> step(Steady now) = 0;

  // Whether it takes a group now.
  virtual bool wants() const = 0;

  // Gives its lines on; may note in the group what is to be kept with it.
  [[nodiscard]] virtual Result<void> take(LogGroup& group, Steady now) = 0;

  // How many groups, of the oldest that it has, are safe since the last call.
  virtual std::size_t settled(Steady now) = 0;

  // Those groups are on disk as handed on.
  [[nodiscard]] virtual Result<void> committed() = 0;

  // What to wait for: a descriptor (-1: none), and whether it is to be written to.
  struct Watch {
    int fd = -1;
    bool write = false;
  };

  virtual Watch watch() const = 0;

  // When step() or settled() has something to do at the latest.
  virtual std::chrono::milliseconds patience(Steady now) const = 0;
};

}  // namespace steward::station
