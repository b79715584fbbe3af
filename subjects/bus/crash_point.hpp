#pragma once

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

namespace steward::bus {

// The places at which a test may end a program, all of them: those of steward-edge begin with
// `edge.`, those of steward with `station.`. The tests of tests/fault end each program at each of
// its points, and fail where one is never reached.
inline constexpr std::array kCrashPoints{
    std::string_view("edge.handler.receive"),       // a command is about to be looked at
    std::string_view("edge.journal.before"),        // a group is about to be made durable
    std::string_view("edge.journal.committed"),     // it is, nothing of it was said
    std::string_view("edge.journal.published"),     // its events are out, nobody here was told
    std::string_view("edge.accepted"),              // a command's verdict is known to nobody yet
    std::string_view("edge.begun"),                 // it may begin, and has not
    std::string_view("edge.stepped"),               // a step is recorded and said
    std::string_view("edge.finished"),              // so is its terminal one
    std::string_view("edge.exit.seen"),             // a child has ended, nobody was told
    std::string_view("edge.spawn.before"),          // a child is about to be made
    std::string_view("edge.spawn.after"),           // it runs, nobody knows of it
    std::string_view("station.lease.held"),         // it may act, and has not
    std::string_view("station.commit.before"),      // what was folded is about to be written
    std::string_view("station.commit.after"),       // it is on disk, nobody was told
    std::string_view("station.acknowledged"),       // units may forget what they have said
    std::string_view("station.redeliver.before"),   // a command is about to be sent again
    std::string_view("station.redeliver.after"),    // it is out
    std::string_view("station.query.answered"),     // somebody was told of what is committed
    std::string_view("station.rollout.released"),   // commands of a group may go out, and have not
    std::string_view("station.rollout.published"),  // one of them is out
};

// A name of that list; another one does not compile.
class CrashPoint {
 public:
  consteval CrashPoint(const char* name) : name_(name) {
    if (std::find(kCrashPoints.begin(), kCrashPoints.end(), name_) == kCrashPoints.end()) {
      throw std::invalid_argument("not in kCrashPoints");
    }
  }

  std::string_view name() const { return name_; }

 private:
  std::string_view name_;
};

// Where the environment says STEWARD_CRASH=<point>:<n> or <point>:<n>:<about>, ends the process by
// SIGKILL at the n-th time that it passes that point, counting only passes that are about that.
// Nothing is flushed and no destructor runs, as at a loss of power that spares the disk. In the
// same way STEWARD_STALL makes the thread sleep there for 10 s, and STEWARD_THROW lets a
// std::runtime_error out. Any thread. Compiled in only by the option STEWARD_CRASH_POINTS, which no
// release has.
#if defined(STEWARD_CRASH_POINTS)
void crash_point(CrashPoint point, std::string_view about = {});
#else
inline void crash_point(CrashPoint, std::string_view = {}) {}
#endif

}  // namespace steward::bus
