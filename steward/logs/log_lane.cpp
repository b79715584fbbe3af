#include "steward/logs/log_lane.hpp"

#include <charconv>
#include <iterator>
#include <utility>

namespace steward::station {
namespace {

bus::LogItem notice_of(const LogLane& lane, std::int64_t time_us, std::string text) {
  return {time_us, lane.unit, lane.domain, lane.source, std::nullopt, std::move(text)};
}

}  // namespace

LaneCourse::LaneCourse(std::string_view ranges, std::uint64_t said_upto, std::string notice)
    : said_upto_(said_upto), notice_(std::move(notice)) {
  const char* at = ranges.data();
  const char* const end = at + ranges.size();
  while (at < end) {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    const auto low = std::from_chars(at, end, first);
    if (low.ec != std::errc() || low.ptr == end) {
      return;
    }
    const auto high = std::from_chars(low.ptr + 1, end, last);
    if (high.ec != std::errc()) {
      return;
    }
    numbers_.add(first, last);
    at = high.ptr + 1;
  }
}

std::string LaneCourse::ranges_text() const {
  std::string text;
  for (const auto& [first, last] : numbers_.ranges()) {
    text += (text.empty() ? "" : ",") + std::to_string(first) + "-" + std::to_string(last);
  }
  return text;
}

std::vector<bus::LogItem> LaneCourse::take(const LogLane& lane, wire::LogBatch&& batch) {
  std::vector<bus::LogItem> items;
  const auto& head = batch.head;
  const auto time = batch.lines.empty() ? 0 : batch.lines.front().time_us;
  if (auto notice = bus::gap_notice(head); !notice.empty()) {
    // It covers no number of its own that would tell a repeat.
    auto said = std::to_string(head.first) + notice;
    if (said != notice_) {
      notice_ = std::move(said);
      items.push_back(notice_of(lane, time, std::move(notice)));
    }
  }
  if (head.last >= head.first && !numbers_.has(head.last)) {
    for (auto& notice : bus::count_notices(head)) {
      items.push_back(notice_of(lane, time, std::move(notice)));
    }
  }
  for (auto& line : batch.lines) {
    if (!numbers_.has(line.seq)) {
      items.push_back(
          {line.time_us, lane.unit, lane.domain, lane.source, std::move(line), std::string()});
    }
  }
  numbers_.add(head.first, head.last);
  return items;
}

bool LaneCourse::has_holes() const {
  return !numbers_.whole() && numbers_.ranges().rbegin()->first > said_upto_;
}

std::vector<bus::LogItem> LaneCourse::settle_holes(const LogLane& lane, std::int64_t now_us) {
  std::vector<bus::LogItem> items;
  const auto& ranges = numbers_.ranges();
  for (auto at = ranges.begin(); at != ranges.end() && std::next(at) != ranges.end(); ++at) {
    const auto next = std::next(at)->first;
    if (next > said_upto_) {
      items.push_back(notice_of(lane, now_us, bus::hole_notice(at->second + 1, next - 1)));
    }
  }
  said_upto_ = ranges.empty() ? 0 : ranges.rbegin()->first;
  return items;
}

}  // namespace steward::station
