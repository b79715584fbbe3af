#pragma once

#include "subjects/wire/error.hpp"

#include <chrono>
#include <functional>
#include <memory>

struct uv_loop_s;

namespace steward::runtime {

// One libuv loop. The thread that calls run() owns it and everything made on it (Timer, FdWatcher,
// SignalWatcher, Work): only post() may be called from another thread.
class Loop {
 public:
  Loop();
  // Every Timer, FdWatcher and SignalWatcher must be gone; asserts that the loop closes clean.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(); an exception that a callback lets out comes out of here, and run() may be
  // called again.
  void run();

  // Ends run() after this round: posts and timers that are ready with the callback that runs now
  // still run. Owner's thread (elsewhere: post it).
  void stop();

  // Any thread: runs a function on the owner's thread, in order of posting. False once the loop has
  // been closed to posts: the function is dropped.
  bool post(std::function<void()> function);

  // Any thread: refuses posts from now on (at shutdown, before the owner's thread ends).
  void close();

  // Runs `work` on the bounded helper pool of the process (4 threads) and then `done` on this
  // loop's thread: for what may block on the outside world (name services, a dead mount). `work`
  // must not throw, nor touch what the loop owns. Cannot be cancelled: `done` must check that its
  // object still lives.
  void work(std::function<void()> work, std::function<void()> done);

  uv_loop_s* raw() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Calls back once or again and again. The callback may restart, stop or destroy it.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(std::chrono::milliseconds delay);
  void start_every(std::chrono::milliseconds period);
  void stop();
  bool active() const;

 private:
  struct State;
  State* state_;  // freed in uv's close callback
};

// Calls back each time when the loop has nothing left to do and is about to wait: at the end of
// each of its turns.
class TurnEnd {
 public:
  TurnEnd(Loop& loop, std::function<void()> callback);
  ~TurnEnd();
  TurnEnd(const TurnEnd&) = delete;
  TurnEnd& operator=(const TurnEnd&) = delete;

 private:
  struct State;
  State* state_;
};

enum class Ready { readable, writable };

// Watches a file descriptor that it does not own (pipe, pty, socket, pidfd; not a plain file).
// Level triggered. The callback may stop or destroy it. Destroy it before the descriptor is closed:
// its destructor takes that number out of the loop's set, whoever owns it by then.
class FdWatcher {
 public:
  FdWatcher(Loop& loop, int fd, std::function<void()> callback);
  ~FdWatcher();
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;

  // Errors: io (not a descriptor that can be watched).
  [[nodiscard]] Result<void> start(Ready ready);
  void stop();

 private:
  struct State;
  State* state_;
};

// Calls back on the loop when the process gets a signal (not in a signal handler's context).
class SignalWatcher {
 public:
  SignalWatcher(Loop& loop, int signal, std::function<void()> callback);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  struct State;
  State* state_;
};

}  // namespace steward::runtime
