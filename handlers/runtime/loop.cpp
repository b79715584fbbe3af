#include "handlers/runtime/loop.hpp"

#include "subjects/bus/mutex.hpp"

#include <uv.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

namespace steward::runtime {

namespace {

// An exception must not unwind through uv's frames: it is kept with the loop, stops it, and leaves
// from Loop::run().
struct Caught {
  std::exception_ptr exception;
};

// Calls a copy: the callback may destroy its wrapper, and with it the function that runs.
void guarded_call(uv_loop_t* loop, const std::function<void()>& callback) {
  if (!callback) {
    return;
  }
  try {
    const auto copy = callback;
    copy();
  } catch (...) {
    static_cast<Caught*>(loop->data)->exception = std::current_exception();
    uv_stop(loop);
  }
}

}  // namespace

// Shared with posters, who may outlive the loop: posting to a dead loop is refused.
struct Loop::State {
  uv_loop_t loop{};
  uv_async_t async{};
  bus::Mutex mutex;
  std::vector<std::function<void()>> posted STEWARD_GUARDED_BY(mutex);
  bool open STEWARD_GUARDED_BY(mutex) = true;

  Caught caught;

  // Owner's thread: what was taken out of `posted` and has not run yet. Kept here, so that when one
  // of them throws, the rest run once the loop runs again.
  std::vector<std::function<void()>> batch;
  std::size_t batch_at = 0;

  // One round: what is posted meanwhile wakes the loop again, behind timers and descriptors, which
  // busy posters would starve otherwise.
  void run_posted() {
    run_batch();
    {
      const bus::Lock lock(mutex);
      batch.swap(posted);
    }
    run_batch();
  }

  void run_batch() {
    while (batch_at < batch.size()) {
      const auto function = std::move(batch[batch_at++]);
      function();
    }
    batch.clear();
    batch_at = 0;
  }
};

Loop::Loop() : state_(std::make_shared<State>()) {
  uv_loop_init(&state_->loop);
  state_->loop.data = &state_->caught;
  state_->async.data = state_.get();
  uv_async_init(&state_->loop, &state_->async, [](uv_async_t* async) {
    auto* state = static_cast<State*>(async->data);
    guarded_call(async->loop, [state] { state->run_posted(); });
  });
}

Loop::~Loop() {
  close();
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->async), nullptr);
  uv_walk(
      &state_->loop,
      []([[maybe_unused]] uv_handle_t* handle, void*) {
        assert(uv_is_closing(handle) != 0 && "a handle outlives its loop");
      },
      nullptr);
  uv_run(&state_->loop, UV_RUN_NOWAIT);   // takes a stop() that no run() has seen
  uv_run(&state_->loop, UV_RUN_DEFAULT);  // close callbacks, and work still in the pool
  [[maybe_unused]] const int left = uv_loop_close(&state_->loop);
  assert(left == 0 && "a handle outlives its loop");
}

void Loop::run() {
  state_->run_posted();  // left over from a run that ended with an exception
  uv_run(&state_->loop, UV_RUN_DEFAULT);
  if (state_->caught.exception) {
    std::rethrow_exception(std::exchange(state_->caught.exception, nullptr));
  }
}

void Loop::stop() { uv_stop(&state_->loop); }

bool Loop::post(std::function<void()> function) {
  const bus::Lock lock(state_->mutex);
  if (!state_->open) {
    return false;
  }
  state_->posted.push_back(std::move(function));
  // Under the lock: once close() has returned, nobody touches the async handle any more.
  uv_async_send(&state_->async);
  return true;
}

void Loop::close() {
  const bus::Lock lock(state_->mutex);
  state_->open = false;
}

namespace {

struct PoolWork {
  uv_work_t request{};
  std::function<void()> work;
  std::function<void()> done;
};

}  // namespace

void Loop::work(std::function<void()> work, std::function<void()> done) {
  auto* item = new PoolWork{{}, std::move(work), std::move(done)};
  item->request.data = item;
  uv_queue_work(
      &state_->loop,
      &item->request,
      [](uv_work_t* request) { static_cast<PoolWork*>(request->data)->work(); },
      [](uv_work_t* request, int) {
        const std::unique_ptr<PoolWork> owned(static_cast<PoolWork*>(request->data));
        guarded_call(request->loop, owned->done);
      });
}

uv_loop_s* Loop::raw() const { return &state_->loop; }

namespace {

// The memory of a handle must stay until uv has closed it: its wrapper's destructor closes, and the
// close callback frees.
template <class State, class Handle>
void close_handle(State* state, Handle State::*handle) {
  state->callback = nullptr;
  (state->*handle).data = state;
  uv_close(reinterpret_cast<uv_handle_t*>(&(state->*handle)),
           [](uv_handle_t* closed) { delete static_cast<State*>(closed->data); });
}

}  // namespace

struct Timer::State {
  uv_timer_t timer{};
  std::function<void()> callback;
};

Timer::Timer(Loop& loop, std::function<void()> callback)
    : state_(new State{{}, std::move(callback)}) {
  uv_timer_init(loop.raw(), &state_->timer);
  state_->timer.data = state_;
}

Timer::~Timer() { close_handle(state_, &State::timer); }

void Timer::start(std::chrono::milliseconds delay) {
  uv_update_time(state_->timer.loop);  // the loop's cached time may be old in a long callback
  const auto milliseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, delay.count()));
  uv_timer_start(
      &state_->timer,
      [](uv_timer_t* timer) {
        guarded_call(timer->loop, static_cast<State*>(timer->data)->callback);
      },
      milliseconds,
      0);
}

void Timer::start_every(std::chrono::milliseconds period) {
  uv_update_time(state_->timer.loop);
  // uv takes a period of 0 as "once".
  const auto milliseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(1, period.count()));
  uv_timer_start(
      &state_->timer,
      [](uv_timer_t* timer) {
        guarded_call(timer->loop, static_cast<State*>(timer->data)->callback);
      },
      milliseconds,
      milliseconds);
}

void Timer::stop() { uv_timer_stop(&state_->timer); }

bool Timer::active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&state_->timer)) != 0;
}

struct TurnEnd::State {
  uv_prepare_t prepare{};
  std::function<void()> callback;
};

TurnEnd::TurnEnd(Loop& loop, std::function<void()> callback)
    : state_(new State{{}, std::move(callback)}) {
  uv_prepare_init(loop.raw(), &state_->prepare);
  state_->prepare.data = state_;
  uv_prepare_start(&state_->prepare, [](uv_prepare_t* prepare) {
    guarded_call(prepare->loop, static_cast<State*>(prepare->data)->callback);
  });
}

TurnEnd::~TurnEnd() { close_handle(state_, &State::prepare); }

struct FdWatcher::State {
  uv_poll_t poll{};
  std::function<void()> callback;
  int init_error = 0;
};

FdWatcher::FdWatcher(Loop& loop, int fd, std::function<void()> callback)
    : state_(new State{{}, std::move(callback), 0}) {
  state_->init_error = uv_poll_init(loop.raw(), &state_->poll, fd);
  state_->poll.data = state_;
}

FdWatcher::~FdWatcher() {
  if (state_->init_error != 0) {
    delete state_;  // uv never took the handle
    return;
  }
  close_handle(state_, &State::poll);
}

Result<void> FdWatcher::start(Ready ready) {
  const int error =
      state_->init_error != 0
          ? state_->init_error
          : uv_poll_start(&state_->poll,
                          ready == Ready::readable ? UV_READABLE | UV_DISCONNECT : UV_WRITABLE,
                          [](uv_poll_t* poll, int, int) {
                            guarded_call(poll->loop, static_cast<State*>(poll->data)->callback);
                          });
  if (error != 0) {
    return failure(ErrorCode::io, std::string("watch a descriptor: ") + uv_strerror(error));
  }
  return {};
}

void FdWatcher::stop() {
  if (state_->init_error == 0) {
    uv_poll_stop(&state_->poll);
  }
}

struct SignalWatcher::State {
  uv_signal_t signal{};
  std::function<void()> callback;
};

SignalWatcher::SignalWatcher(Loop& loop, int signal, std::function<void()> callback)
    : state_(new State{{}, std::move(callback)}) {
  uv_signal_init(loop.raw(), &state_->signal);
  state_->signal.data = state_;
  uv_signal_start(
      &state_->signal,
      [](uv_signal_t* signal_handle, int) {
        guarded_call(signal_handle->loop, static_cast<State*>(signal_handle->data)->callback);
      },
      signal);
}

SignalWatcher::~SignalWatcher() { close_handle(state_, &State::signal); }

}  // namespace steward::runtime
