#include "tools/stewardctl/format.hpp"

#include <doctest/doctest.h>

#include <string>

namespace steward::tests::format_test {

using std::chrono::microseconds;
using std::chrono::milliseconds;
namespace ctl = steward::ctl;

TEST_CASE("duration: every unit is read, a bare number is seconds") {
  const auto read = [](const char* text) {
    return ctl::parse_duration(text).value_or(milliseconds(-1));
  };
  CHECK(read("500ms") == milliseconds(500));
  CHECK(read("10s") == milliseconds(10'000));
  CHECK(read("1.5s") == milliseconds(1'500));
  CHECK(read("2m") == milliseconds(120'000));
  CHECK(read("1h") == milliseconds(3'600'000));
  CHECK(read("7d") == milliseconds(7LL * 86'400'000));
  CHECK(read("3") == milliseconds(3'000));
  CHECK(read("0") == milliseconds(0));
}

TEST_CASE("duration: what is none is refused with examples") {
  for (const char* text :
       {"", "s", "-1s", "10 s", "1w", "0x10", "1e999", "10ss", "nan", "inf", " 5s", "400d"}) {
    CAPTURE(text);
    const auto read = ctl::parse_duration(text);
    REQUIRE(!read);
    CHECK(read.error().code == steward::ErrorCode::bad_config);
    CHECK(read.error().message.find("10s") != std::string::npos);
  }
}

TEST_CASE("ages and durations are short") {
  CHECK(ctl::short_age(milliseconds(0)) == "0s");
  CHECK(ctl::short_age(milliseconds(250)) == "250ms");
  CHECK(ctl::short_age(milliseconds(12'999)) == "12s");
  CHECK(ctl::short_age(milliseconds(180'000)) == "3m");
  CHECK(ctl::short_age(milliseconds(7'200'000)) == "2h");
  CHECK(ctl::short_age(milliseconds(5LL * 86'400'000)) == "5d");
  CHECK(ctl::short_age(milliseconds(-5)) == "0s");
  CHECK(ctl::short_duration(milliseconds(42)) == "0.04s");
  CHECK(ctl::short_duration(milliseconds(12'340)) == "12.3s");
  CHECK(ctl::short_duration(milliseconds(192'000)) == "3m12s");
  CHECK(ctl::short_rtt(std::nullopt) == "-");
  CHECK(ctl::short_rtt(microseconds(210)) == "0.21ms");
  CHECK(ctl::short_rtt(microseconds(12'300)) == "12ms");
  CHECK(ctl::short_bytes(512) == "512 B");
  CHECK(ctl::short_bytes(1536) == "1.5 KiB");
}

TEST_CASE("text is cut at a column, not in the middle of a letter") {
  CHECK(ctl::columns("héllo") == 5);
  CHECK(ctl::shortened("héllo", 5, "…") == "héllo");
  CHECK(ctl::shortened("héllo wörld", 6, "…") == "héllo…");
  CHECK(ctl::shortened("hello world", 8, "...") == "hello...");
}

TEST_CASE("one line: control characters of a unit do not reach the terminal") {
  CHECK(ctl::one_line("a\x1b[2Jb\nc\x7f") == "a [2Jb c ");
  CHECK(ctl::one_line("caf\xe9") == "caf?");
  CHECK(ctl::one_line("café") == "café");
}

}  // namespace steward::tests::format_test
