#include "handlers/runtime/loop.hpp"

#include "tests/support/watchdog.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace steward::tests::loop_test {

using runtime::FdWatcher;
using runtime::Loop;
using runtime::Ready;
using runtime::SignalWatcher;
using runtime::Timer;
using std::chrono::milliseconds;

TEST_CASE("loop: what other threads post runs on the loop's thread, in order") {
  const Watchdog watchdog;
  Loop loop;
  std::string order;
  std::thread::id ran_on;
  std::thread poster([&loop, &order, &ran_on] {
    for (const char letter : std::string("abc")) {
      loop.post([&order, letter] { order += letter; });
    }
    loop.post([&loop, &ran_on] {
      ran_on = std::this_thread::get_id();
      loop.stop();
    });
  });
  loop.run();
  poster.join();
  CHECK(order == "abc");
  CHECK(ran_on == std::this_thread::get_id());
}

TEST_CASE("loop: a closed loop refuses posts") {
  Loop loop;
  loop.close();
  CHECK_FALSE(loop.post([] {}));
}

TEST_CASE("loop: posts that post themselves again do not starve a timer") {
  const Watchdog watchdog;
  Loop loop;
  std::function<void()> again = [&loop, &again] { loop.post(again); };
  loop.post(again);
  Timer timer(loop, [&loop] { loop.stop(); });
  timer.start(milliseconds(1));
  loop.run();
  CHECK_FALSE(timer.active());
}

TEST_CASE("loop: an exception comes out of run, and the posts behind it are not lost") {
  const Watchdog watchdog;
  Loop loop;
  bool ran = false;
  loop.post([] { throw std::runtime_error("out"); });
  loop.post([&ran, &loop] {
    ran = true;
    loop.stop();
  });
  CHECK_THROWS_WITH(loop.run(), "out");
  CHECK_FALSE(ran);
  loop.run();
  CHECK(ran);
}

TEST_CASE("loop: it closes clean after a stop that no run has seen") {
  const Watchdog watchdog;
  Loop loop;
  {
    Timer timer(loop, [] {});
  }
  loop.stop();
}

TEST_CASE("loop: a timer fires once, or again and again until it is stopped") {
  const Watchdog watchdog;
  Loop loop;
  int once = 0;
  int often = 0;
  std::optional<Timer> ticking;
  Timer single(loop, [&once] { ++once; });
  ticking.emplace(loop, [&loop, &often, &ticking] {
    if (++often == 3) {
      ticking->stop();
      loop.stop();
    }
  });
  single.start(milliseconds(0));
  ticking->start_every(milliseconds(1));
  loop.run();
  CHECK(once == 1);
  CHECK(often == 3);
}

TEST_CASE("loop: a timer may destroy itself in its callback") {
  const Watchdog watchdog;
  Loop loop;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&loop, &timer, text = std::string(100, 'x')] {
    timer.reset();
    CHECK(text.size() == 100);  // the callback itself outlives its timer
    loop.stop();
  });
  timer->start(milliseconds(0));
  loop.run();
  CHECK(timer == nullptr);
}

TEST_CASE("loop: a descriptor that becomes readable calls back until it is stopped") {
  const Watchdog watchdog;
  Loop loop;
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  std::string got;
  {
    std::optional<FdWatcher> watcher;
    watcher.emplace(loop, ends[0], [&] {
      char letter = 0;
      if (::read(ends[0], &letter, 1) == 1) {
        got += letter;
      }
      if (got == "ab") {
        watcher.reset();
        loop.stop();
      }
    });
    REQUIRE(watcher->start(Ready::readable));
    REQUIRE(::write(ends[1], "ab", 2) == 2);
    loop.run();
  }
  CHECK(got == "ab");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("loop: what is no descriptor to watch is an error, not a crash") {
  Loop loop;
  FdWatcher watcher(loop, -1, [] {});
  const auto started = watcher.start(Ready::readable);
  REQUIRE_FALSE(started);
  CHECK(started.error().code == ErrorCode::io);
}

TEST_CASE("loop: a signal calls back on the loop") {
  const Watchdog watchdog;
  Loop loop;
  bool got = false;
  const SignalWatcher watcher(loop, SIGUSR1, [&loop, &got] {
    got = true;
    loop.stop();
  });
  ::raise(SIGUSR1);
  loop.run();
  CHECK(got);
}

TEST_CASE("loop: work runs on another thread and is done on the loop's") {
  const Watchdog watchdog;
  Loop loop;
  std::thread::id worked_on;
  std::thread::id done_on;
  loop.work([&worked_on] { worked_on = std::this_thread::get_id(); },
            [&done_on, &loop] {
              done_on = std::this_thread::get_id();
              loop.stop();
            });
  loop.run();
  CHECK(worked_on != std::this_thread::get_id());
  CHECK(done_on == std::this_thread::get_id());
}

}  // namespace steward::tests::loop_test
