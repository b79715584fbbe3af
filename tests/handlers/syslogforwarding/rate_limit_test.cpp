#include "handlers/syslogforwarding/rate_limit.hpp"

#include <doctest/doctest.h>

namespace steward::handlers::syslogforwarding::rate_limit_test {

TEST_CASE("rate: so many a second of each severity and domain; errors always pass") {
  RateLimit rate(10);
  std::chrono::steady_clock::time_point now{std::chrono::seconds(100)};
  const auto passed = [&](const char* domain, int severity) {
    int count = 0;
    for (int i = 0; i < 100; ++i) {
      count += rate.allows(domain, severity, now) ? 1 : 0;
    }
    return count;
  };
  CHECK(passed("a", 6) == 10);
  CHECK(passed("a", 6) == 0);
  CHECK(passed("a", 7) == 10);
  CHECK(passed("b", 6) == 10);
  CHECK(passed("a", 3) == 100);
  CHECK(passed("a", 0) == 100);
  now += std::chrono::milliseconds(500);
  CHECK(passed("a", 6) == 5);
  now += std::chrono::hours(1);
  CHECK(passed("a", 6) == 10);
  CHECK(RateLimit(0).allows("a", 7, now));
}

}  // namespace steward::handlers::syslogforwarding::rate_limit_test
