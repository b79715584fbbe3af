#include "subjects/wire/time.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::wire::time_test {
namespace {

using std::chrono::microseconds;

Timestamp at(std::int64_t unix_microseconds) { return Timestamp(microseconds(unix_microseconds)); }

}  // namespace

TEST_CASE("time: RFC 3339 in UTC with six digits of the second") {
  CHECK(format_time(at(0)) == "1970-01-01T00:00:00.000000Z");
  CHECK(format_time(at(-1)) == "1969-12-31T23:59:59.999999Z");
  CHECK(format_time(at(1'795'247'248'123'456)) == "2026-11-21T07:47:28.123456Z");
  CHECK(format_time(kLastTime) == "9999-12-31T23:59:59.999999Z");
}

TEST_CASE("time: what is formatted parses to the same moment") {
  for (std::int64_t moment = -62'167'219'200'000'000; moment < 253'402'300'800'000'000;
       moment += 9'876'543'210'987'654) {
    CHECK(parse_time(format_time(at(moment))).value() == at(moment));
  }
  CHECK(parse_time("0000-01-01T00:00:00Z").has_value());
  CHECK(parse_time(format_time(kLastTime)).value() == kLastTime);
}

TEST_CASE("time: other forms of the same moment are read") {
  const auto moment = at(1'795'247'248'000'000);
  for (const char* text : {"2026-11-21T07:47:28Z",
                           "2026-11-21t07:47:28z",
                           "2026-11-21 07:47:28Z",
                           "2026-11-21T07:47:28.0Z",
                           "2026-11-21T07:47:28.0000009Z",
                           "2026-11-21T08:47:28+01:00",
                           "2026-11-21T02:17:28-05:30",
                           "2026-11-21T07:47:28+00:00",
                           "2026-11-21T07:47:28-00:00"}) {
    CAPTURE(text);
    CHECK(parse_time(text).value() == moment);
  }
  CHECK(parse_time("2026-11-21T07:47:28.5Z").value() == moment + microseconds(500'000));
  CHECK(parse_time("2026-11-21T07:47:28.123456789Z").value() == moment + microseconds(123'456));
  CHECK(parse_time("2016-12-31T23:59:60Z").value() == parse_time("2017-01-01T00:00:00Z").value());
  CHECK(parse_time("2024-02-29T00:00:00Z").has_value());
}

TEST_CASE("time: everything else is refused") {
  for (const char* bad : {"",
                          "Z",
                          "2026",
                          "2026-11-21",
                          "2026-11-21T07:47:28",
                          "2026-11-21T07:47Z",
                          "2026-11-21T07:47:28.Z",
                          "2026-11-21T07:47:28.12",
                          "2026-11-21T07:47:28ZZ",
                          "2026-11-21T07:47:28Z ",
                          " 2026-11-21T07:47:28Z",
                          "2026-11-21T07:47:28+0100",
                          "2026-11-21T07:47:28+24:00",
                          "2026-11-21T07:47:28+01:60",
                          "2026-11-21T24:00:00Z",
                          "2026-11-21T07:60:28Z",
                          "2026-11-21T07:47:61Z",
                          "2026-13-21T07:47:28Z",
                          "2026-00-21T07:47:28Z",
                          "2026-02-29T07:47:28Z",
                          "2026-04-31T07:47:28Z",
                          "2026-11-00T07:47:28Z",
                          "26-11-21T07:47:28Z",
                          "12026-11-21T07:47:28Z",
                          "-026-11-21T07:47:28Z",
                          "2026-1-21T07:47:28Z",
                          "2026-11-21X07:47:28Z",
                          "2026/11/21T07:47:28Z",
                          "+2026-11-21T07:47:28Z",
                          "9999-12-31T23:59:59-00:01",
                          "9999-12-31T23:59:60Z",
                          "0000-01-01T00:00:00+00:01"}) {
    CAPTURE(bad);
    CHECK(parse_time(bad).error().code == ErrorCode::bad_envelope);
  }
  CHECK_FALSE(parse_time(std::string("2026-11-21T07:47:28Z\0", 21)).has_value());
  CHECK(parse_time("2026-11-21T07:47:28." + std::string(100'000, '9') + "Z").has_value());
}

}  // namespace steward::wire::time_test
