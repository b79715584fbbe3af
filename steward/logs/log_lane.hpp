#pragma once

#include "subjects/bus/log_merge.hpp"
#include "subjects/wire/syslogforwarding.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace steward::station {

// One life of a source of a unit's, for a domain: its lines are numbered.
struct LogLane {
  std::string unit;
  std::string domain;
  std::string source;
  std::string epoch;

  auto operator<=>(const LogLane&) const = default;
};

// What of a lane was handed on. Pure.
class LaneCourse {
 public:
  LaneCourse() = default;

  // As an earlier run has kept it: ranges_text(), said_upto(), notice().
  LaneCourse(std::string_view ranges, std::uint64_t said_upto, std::string notice);

  // Of a batch, what was not handed on yet: lines, and what is to be said of missing ones.
  std::vector<bus::LogItem> take(const LogLane& lane, wire::LogBatch&& batch);

  // What is to be said of numbers that did not come. Each once; lines that come later all the
  // same are handed on.
  std::vector<bus::LogItem> settle_holes(const LogLane& lane, std::int64_t now_us);

  // Whether there are holes that nobody was told of.
  bool has_holes() const;

  std::string ranges_text() const;  // "1-50,60-70"

  std::uint64_t said_upto() const { return said_upto_; }

  const std::string& notice() const { return notice_; }

 private:
  bus::SeenNumbers numbers_;
  std::uint64_t said_upto_ = 0;  // people know of the holes before that number
  std::string notice_;           // of a gap, said last
};

}  // namespace steward::station
