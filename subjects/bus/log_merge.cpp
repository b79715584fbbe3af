#include "subjects/bus/log_merge.hpp"

#include "subjects/wire/subject.hpp"

#include <algorithm>
#include <utility>

namespace steward::bus {

namespace {

std::string lines_of(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " line" : " lines");
}

std::string dropped_text(const wire::BySeverity& counts) {
  std::string text;
  std::uint64_t all = 0;
  for (std::size_t severity = 0; severity < counts.size(); ++severity) {
    if (counts[severity] != 0) {
      all += counts[severity];
      text += (text.empty() ? "" : ", ") + std::to_string(counts[severity]) + " " +
              std::string(wire::kSeverities[severity]);
    }
  }
  return lines_of(all) + " found no room on the unit's disk (" + text + ")";
}

}  // namespace

std::string gap_notice(const wire::LogBatchHead& head) {
  return head.gap.empty() || head.gap_lines == 0
             ? head.gap
             : head.gap + ": " + lines_of(head.gap_lines) + " lost";
}

std::vector<std::string> count_notices(const wire::LogBatchHead& head) {
  std::vector<std::string> notices;
  if (head.suppressed != 0) {
    notices.push_back(lines_of(head.suppressed) + " suppressed: more than the rate that was set");
  }
  if (head.dropped) {
    notices.push_back(dropped_text(*head.dropped));
  }
  return notices;
}

std::string hole_notice(std::uint64_t first, std::uint64_t last) {
  return lines_of(last - first + 1) + " missing: numbers " + std::to_string(first) + " to " +
         std::to_string(last);
}

bool SeenNumbers::has(std::uint64_t number) const {
  auto behind = ranges_.upper_bound(number);
  return behind != ranges_.begin() && std::prev(behind)->second >= number;
}

void SeenNumbers::add(std::uint64_t first, std::uint64_t last) {
  if (last < first) {
    return;
  }
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin() && std::prev(at)->second + 1 >= first) {
    --at;
    first = at->first;
  }
  while (at != ranges_.end() && at->first <= last + 1) {
    last = std::max(last, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace(first, last);
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> SeenNumbers::take_hole() {
  if (whole()) {
    return std::nullopt;
  }
  const auto low = ranges_.begin();
  const std::pair hole{low->second + 1, std::next(low)->first - 1};
  add(hole.first, hole.second);
  return hole;
}

void LogMerge::say(const Lane& lane, Seen& seen, std::string notice) {
  const auto& [unit, domain, source, epoch] = lane;
  held_.emplace(seen.time_us,
                LogItem{seen.time_us, unit, domain, source, std::nullopt, std::move(notice)});
}

void LogMerge::say_head(const Lane& lane, Seen& seen, const wire::LogBatchHead& head) {
  if (auto notice = gap_notice(head); !notice.empty()) {
    // It covers no number of its own that would tell a repeat.
    const std::string said = std::to_string(head.first) + notice;
    if (std::exchange(seen.notice, said) != said) {
      say(lane, seen, std::move(notice));
    }
  }
  if (head.last >= head.first && !seen.numbers.has(head.last)) {
    for (auto& notice : count_notices(head)) {
      say(lane, seen, std::move(notice));
    }
  }
}

Result<void> LogMerge::take(const Message& message) {
  STEWARD_TRY(const auto subject, wire::Subject::parse(message.subject));
  STEWARD_TRY(auto batch,
              wire::decode_log_batch(message.payload,
                                     message.headers.find("Content-Encoding").value_or("")));
  const auto& head = batch.head;
  const Lane lane{subject.is_broadcast() ? "" : subject.node->str(),
                  subject.domain.str(),
                  head.source,
                  head.epoch};
  auto& seen = lanes_[lane];
  if (!batch.lines.empty()) {
    seen.time_us = batch.lines.front().time_us;
  }
  say_head(lane, seen, head);
  for (auto& line : batch.lines) {
    if (seen.numbers.has(line.seq)) {
      ++repeats_;
      continue;
    }
    seen.time_us = line.time_us;
    const auto time = line.time_us;
    held_.emplace(
        time,
        LogItem{time, std::get<0>(lane), std::get<1>(lane), head.source, std::move(line), {}});
  }
  seen.numbers.add(head.first, head.last);
  return {};
}

std::vector<LogItem> LogMerge::release(std::int64_t until_us) {
  std::vector<LogItem> items;
  while (!held_.empty() && (held_.size() > window_ || held_.begin()->first <= until_us)) {
    items.push_back(std::move(held_.begin()->second));
    held_.erase(held_.begin());
  }
  return items;
}

void LogMerge::settle_gaps() {
  for (auto& [lane, seen] : lanes_) {
    while (const auto hole = seen.numbers.take_hole()) {
      missing_ += hole->second - hole->first + 1;
      say(lane, seen, hole_notice(hole->first, hole->second));
    }
  }
}

}  // namespace steward::bus
