#include "steward/received_table.hpp"

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kEpochsKept = 4;
constexpr std::size_t kRangesKept = 1024;
constexpr milliseconds kGapPatience{2'000};
constexpr milliseconds kLongestBackoff{60'000};

// A unit that has nothing of an earlier epoch any more says nothing of it: it is asked so often,
// and no more.
constexpr int kAsksForSuperseded = 5;

}  // namespace

void ReceivedTable::restore(const ReceivedRecord& record) {
  stream(record.unit, record.epoch).upto = record.upto;
}

ReceivedTable::Stream& ReceivedTable::stream(const std::string& unit,
                                             const wire::MessageId& epoch) {
  auto& streams = units_[unit];
  const auto at = std::find_if(streams.rbegin(), streams.rend(), [&epoch](const Stream& stream) {
    return stream.epoch == epoch;
  });
  if (at != streams.rend()) {
    return *at;
  }
  if (streams.size() >= kEpochsKept) {
    streams.erase(streams.begin());
  }
  streams.push_back(Stream{epoch, 0, {}, {}, {}, false, 0});
  return streams.back();
}

ReceivedTable::Verdict ReceivedTable::note(const std::string& unit,
                                           const wire::Position& position,
                                           Moment now) {
  auto& outbox = stream(unit, position.epoch);
  const auto range = outbox.above.upper_bound(position.seq);
  const bool held = range != outbox.above.begin() && std::prev(range)->second >= position.seq;
  if (position.seq <= outbox.upto || held) {
    touched_.insert({unit, position.epoch});
    return Verdict::repeated;
  }
  if (outbox.above.size() >= kRangesKept && position.seq != outbox.upto + 1) {
    return Verdict::refused;
  }
  add(outbox, position.seq, now);
  if (!outbox.above.empty()) {
    gapped_.insert(unit);
  }
  touched_.insert({unit, position.epoch});
  return Verdict::fresh;
}

void ReceivedTable::add(Stream& stream, std::uint64_t seq, Moment now) {
  const bool had_gap = !stream.above.empty();
  if (seq == stream.upto + 1) {
    ++stream.upto;
    join(stream);
    stream.backoff = kGapPatience;
    stream.ask_at = now.steady + kGapPatience;
    return;
  }
  if (!had_gap) {
    stream.backoff = kGapPatience;
    stream.ask_at = now.steady + kGapPatience;
    stream.asked = false;
  }
  const auto next = stream.above.upper_bound(seq);
  if (next != stream.above.begin() && std::prev(next)->second + 1 == seq) {
    std::prev(next)->second = seq;
  } else {
    stream.above.emplace(seq, seq);
  }
}

// Takes in the ranges that follow without a gap. Ranges that touch one another are joined here and
// not before.
void ReceivedTable::join(Stream& stream) {
  while (!stream.above.empty() && stream.above.begin()->first <= stream.upto + 1) {
    stream.upto = std::max(stream.upto, stream.above.begin()->second);
    stream.above.erase(stream.above.begin());
  }
}

// What stands behind a gap came through the same stream as what is missing and after it. So once
// that was asked for, what the unit has no more was acknowledged by an earlier station or lost by
// its storage.
void ReceivedTable::begins(const std::string& unit, const wire::Position& first, Moment now) {
  const auto known = units_.find(unit);
  if (known == units_.end()) {
    return;
  }
  for (auto& stream : known->second) {
    if (stream.epoch != first.epoch || !stream.asked) {
      continue;
    }
    while (!stream.above.empty() && stream.upto + 1 < first.seq) {
      const auto behind = std::min(first.seq, stream.above.begin()->first);
      give_up(unit, stream, behind - 1, now);
      touched_.insert({unit, stream.epoch});
    }
  }
}

void ReceivedTable::give_up(const std::string& unit,
                            Stream& stream,
                            std::uint64_t upto,
                            Moment now) {
  const auto range = std::to_string(stream.upto + 1) + " to " + std::to_string(upto);
  // Of an outbox that was never heard of before, the first ones went to an earlier station: its
  // station.db is not ours.
  lost_.push_back({0,
                   now.wall,
                   unit,
                   "station",
                   stream.upto == 0 ? "its events " + range + " are from before this station's time"
                                    : "its events " + range + " are not to be had"});
  stream.upto = upto;
  join(stream);
}

std::vector<ReceivedTable::Resend> ReceivedTable::due(Moment now) {
  std::vector<Resend> resends;
  for (auto unit = gapped_.begin(); unit != gapped_.end();) {
    bool gap = false;
    for (auto& stream : units_[*unit]) {
      const bool superseded = &stream != &units_[*unit].back();
      if (stream.above.empty() || (superseded && stream.asks >= kAsksForSuperseded)) {
        continue;
      }
      gap = true;
      if (stream.ask_at <= now.steady) {
        resends.push_back({*unit, stream.epoch, stream.upto + 1});
        stream.asked = true;
        ++stream.asks;
        stream.backoff = std::min(stream.backoff * 2, kLongestBackoff);
        stream.ask_at = now.steady + stream.backoff;
      }
    }
    unit = gap ? std::next(unit) : gapped_.erase(unit);
  }
  return resends;
}

void ReceivedTable::take_changes(Batch& batch) {
  for (const auto& [unit, epoch] : touched_) {
    batch.received.insert_or_assign({unit, epoch}, stream(unit, epoch).upto);
  }
  touched_.clear();
  for (auto& row : lost_) {
    batch.history.push_back(std::move(row));
  }
  lost_.clear();
}

}  // namespace steward::station
