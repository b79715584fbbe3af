#include "handlers/syslogforwarding/parse/moment.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::handlers::syslogforwarding::moment_test {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
// 2027-01-01T00:00:10Z
constexpr std::int64_t kNewYear = 1'798'761'610 * kSecond;

std::optional<std::int64_t> bsd(const std::string& text, std::int64_t received, std::int64_t zone) {
  Moments moments([zone](std::int64_t) { return zone * kSecond; });
  Scan scan(text);
  return moments.bsd(scan, received);
}

}  // namespace

TEST_CASE("moment: a year that is not said is the one nearest to when the line came") {
  CHECK(bsd("Dec 31 23:59:59", kNewYear, 0) == kNewYear - 11 * kSecond);
  CHECK(bsd("Jan  1 00:00:09", kNewYear, 0) == kNewYear - kSecond);
  CHECK(bsd("Jan  1 00:00:09", kNewYear - 86'400 * kSecond, 0) == kNewYear - kSecond);
  CHECK(bsd("Jan  1 01:00:10", kNewYear, 3'600) == kNewYear);
}

TEST_CASE("moment: what is none takes nothing") {
  for (const std::string text : {"",
                                 "Nov",
                                 "Nox 22 02:50:54",
                                 "Nov 32 02:50:54",
                                 "Nov 22 25:00:00",
                                 "Feb 30 00:00:00",
                                 "Nov 22 02:50",
                                 "Nov 22"}) {
    CAPTURE(text);
    Moments moments([](std::int64_t) { return 0; });
    Scan scan(text);
    CHECK(!moments.bsd(scan, kNewYear));
    CHECK(!moments.iso(scan));
    CHECK(scan.at() == 0);
  }
}

}  // namespace steward::handlers::syslogforwarding::moment_test
