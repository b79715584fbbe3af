#pragma once

#include "subjects/bus/message.hpp"
#include "subjects/wire/error.hpp"
#include "subjects/wire/syslogforwarding.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace steward::bus {

// Numbers that were seen, as ranges: few, however many numbers.
class SeenNumbers {
 public:
  bool has(std::uint64_t number) const;
  void add(std::uint64_t first, std::uint64_t last);

  // The first hole behind the lowest number, and takes it for seen; none where there is none.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> take_hole();

  bool whole() const { return ranges_.size() <= 1; }

  // First to last of each.
  const std::map<std::uint64_t, std::uint64_t>& ranges() const { return ranges_; }

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;
};

// What people are told of lines that are not there: of a gap before a batch, of those that a unit
// has counted in the place of giving them, of a hole in the numbers. Empty: nothing.
std::string gap_notice(const wire::LogBatchHead& head);
std::vector<std::string> count_notices(const wire::LogBatchHead& head);
std::string hole_notice(std::uint64_t first, std::uint64_t last);

// A line of a unit's, or, without one, what is to be said about lines that are not there.
struct LogItem {
  std::int64_t time_us = 0;
  std::string unit;
  std::string domain;
  std::string source;
  std::optional<wire::LogLine> line;
  std::string notice;  // "lines 5 to 9 are missing"
};

// Makes one log of the batches of many units: each line once, in the order of time as far as it
// comes in the window, and what is missing is said. Pure: no clock. One thread.
class LogMerge {
 public:
  // So many items are held back to be put in order.
  explicit LogMerge(std::size_t window) : window_(window) {}

  // A message of the stream, as it came. Errors: bad_subject, bad_payload, unsupported, too_large:
  // it is none of ours, and is left out.
  [[nodiscard]] Result<void> take(const Message& message);

  // Items that are in order now: those that the window does not hold, and those before `until_us`.
  std::vector<LogItem> release(std::int64_t until_us);

  // What is missing and did not come late. Call it when that is to be expected no more.
  void settle_gaps();

  // Lines that came once more.
  std::uint64_t repeats() const { return repeats_; }

  std::uint64_t missing() const { return missing_; }

 private:
  // Unit, domain, source, epoch.
  using Lane = std::tuple<std::string, std::string, std::string, std::string>;

  struct Seen {
    SeenNumbers numbers;
    std::int64_t time_us = 0;  // of its latest line
    std::string notice;        // said last
  };

  void say(const Lane& lane, Seen& seen, std::string notice);
  void say_head(const Lane& lane, Seen& seen, const wire::LogBatchHead& head);

  const std::size_t window_;
  std::map<Lane, Seen> lanes_;
  std::multimap<std::int64_t, LogItem> held_;
  std::uint64_t repeats_ = 0;
  std::uint64_t missing_ = 0;
};

}  // namespace steward::bus
