#include "steward/logs/log_lane.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace steward::station::log_lane_test {
namespace {

const LogLane kLane{"ship1", "web", "file:/log", "e"};

wire::LogBatch batch(std::uint64_t first, std::uint64_t last) {
  wire::LogBatch made;
  made.head.first = first;
  made.head.last = last;
  for (auto number = first; number <= last; ++number) {
    wire::LogLine line;
    line.seq = number;
    line.time_us = 5;
    line.line = std::to_string(number);
    made.lines.push_back(line);
  }
  return made;
}

std::string texts(const std::vector<bus::LogItem>& items) {
  std::string all;
  for (const auto& item : items) {
    all += (all.empty() ? "" : " ") + (item.line ? item.line->line : "(" + item.notice + ")");
  }
  return all;
}

}  // namespace

TEST_CASE("log lane: each line once, wherever its batch begins, also after a restart") {
  LaneCourse course;
  CHECK(texts(course.take(kLane, batch(1, 3))) == "1 2 3");
  CHECK(texts(course.take(kLane, batch(2, 5))) == "4 5");
  LaneCourse again(course.ranges_text(), course.said_upto(), course.notice());
  CHECK(again.ranges_text() == "1-5");
  CHECK(texts(again.take(kLane, batch(1, 6))) == "6");
}

TEST_CASE("log lane: a hole is said once, and what comes late all the same is handed on") {
  LaneCourse course;
  CHECK_FALSE(course.has_holes());
  static_cast<void>(course.take(kLane, batch(10, 11)));
  CHECK_FALSE(course.has_holes());
  static_cast<void>(course.take(kLane, batch(20, 20)));
  CHECK(course.has_holes());
  static_cast<void>(course.take(kLane, batch(12, 13)));
  CHECK(texts(course.settle_holes(kLane, 9)) == "(6 lines missing: numbers 14 to 19)");
  CHECK_FALSE(course.has_holes());
  CHECK(texts(course.settle_holes(kLane, 9)).empty());
  LaneCourse again(course.ranges_text(), course.said_upto(), course.notice());
  CHECK_FALSE(again.has_holes());
  CHECK(texts(again.take(kLane, batch(14, 15))) == "14 15");
  static_cast<void>(again.take(kLane, batch(30, 30)));
  CHECK(texts(again.settle_holes(kLane, 9)) == "(9 lines missing: numbers 21 to 29)");
}

TEST_CASE("log lane: what a unit says of lines that are not there is said once") {
  LaneCourse course;
  const auto told = [] {
    auto made = batch(1, 2);
    made.head.gap = "the journal was vacuumed";
    made.head.gap_lines = 1;
    made.head.suppressed = 3;
    made.head.dropped = wire::BySeverity{0, 0, 0, 0, 0, 0, 4, 0};
    return made;
  };
  const std::string notices =
      "(the journal was vacuumed: 1 line lost) (3 lines suppressed: more than the rate that was "
      "set) (4 lines found no room on the unit's disk (4 info))";
  CHECK(texts(course.take(kLane, told())) == notices + " 1 2");
  LaneCourse again(course.ranges_text(), course.said_upto(), course.notice());
  CHECK(texts(again.take(kLane, told())).empty());
}

TEST_CASE("log lane: what was kept and is damaged begins anew") {
  for (const auto* odd : {"", "x", "1", "1-", "1-2,", "1-2,x"}) {
    LaneCourse course(odd, 0, "");
    CHECK(texts(course.take(kLane, batch(3, 3))) == "3");
  }
}

}  // namespace steward::station::log_lane_test
