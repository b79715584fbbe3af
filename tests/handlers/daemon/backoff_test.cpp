#include "handlers/daemon/backoff.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace steward::handlers::daemon::backoff_test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("daemon backoff: pauses double from the shortest to the longest, and never end") {
  Backoff backoff(wire::DaemonRestart{});
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 14; ++i) {
    pauses.push_back(backoff.after(0ms, 0.5).count());
  }
  CHECK(pauses == std::vector<std::int64_t>{250,
                                            500,
                                            1'000,
                                            2'000,
                                            4'000,
                                            8'000,
                                            16'000,
                                            32'000,
                                            64'000,
                                            128'000,
                                            256'000,
                                            300'000,
                                            300'000,
                                            300'000});
}

TEST_CASE("daemon backoff: chance moves a pause by its part, but not the first, and not beyond") {
  for (const double chance : {0.0, 1.0}) {
    Backoff backoff(wire::DaemonRestart{});
    CHECK(backoff.after(0ms, chance) == 250ms);
    CHECK(backoff.after(0ms, chance) == (chance == 0 ? 400ms : 600ms));
    for (int i = 0; i < 20; ++i) {
      (void)backoff.after(0ms, chance);
    }
    CHECK(backoff.after(0ms, chance) <= 300s);
    CHECK(backoff.after(0ms, chance) >= 240s);
  }
}

TEST_CASE("daemon backoff: a good while up begins anew, five quick ends are a crash loop") {
  Backoff backoff(wire::DaemonRestart{});
  for (int i = 0; i < 4; ++i) {
    (void)backoff.after(59'999ms, 0.5);
  }
  CHECK(!backoff.is_crash_loop());
  CHECK(backoff.after(59'999ms, 0.5) == 4s);
  CHECK(backoff.is_crash_loop());
  CHECK(backoff.after(60s, 0.5) == 250ms);
  CHECK(!backoff.is_crash_loop());
  backoff.forget();
  CHECK(backoff.after(0ms, 0.5) == 250ms);
}

}  // namespace
}  // namespace steward::handlers::daemon::backoff_test
