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

// A unit sends its oldest event first. Once that many resends began behind the gap, the unit does
// not have what is missing (an earlier station acknowledged it, or its storage lost it).
constexpr int kAnswersToGiveUp = 2;

// A unit sends what it still has of an earlier epoch by itself, before all else: it is asked for so
// often, and no more.
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
  streams.push_back(Stream{epoch, 0, {}, {}, {}, false, 0, 0});
  return streams.back();
}

ReceivedTable::Verdict ReceivedTable::note(const std::string& unit,
                                           const wire::Position& position,
                                           Moment now) {
  auto& outbox = stream(unit, position.epoch);
  const auto range = outbox.above.upper_bound(position.seq);
  const bool held = range != outbox.above.begin() && std::prev(range)->second >= position.seq;
  if (position.seq <= outbox.upto || held) {
    see_answer(unit, outbox, position.seq, now);
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
    stream.answers_without = 0;
    return;
  }
  if (!had_gap) {
    stream.backoff = kGapPatience;
    stream.ask_at = now.steady + kGapPatience;
    stream.asked = false;
    stream.answers_without = 0;
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

// What was asked for comes oldest first: when it begins with what stands behind the gap, the unit
// has nothing to fill it.
void ReceivedTable::see_answer(const std::string& unit,
                               Stream& stream,
                               std::uint64_t seq,
                               Moment now) {
  if (!stream.asked || stream.above.empty() || seq != stream.above.begin()->first) {
    return;
  }
  stream.asked = false;
  if (++stream.answers_without < kAnswersToGiveUp) {
    return;
  }
  const auto range = std::to_string(stream.upto + 1) + " to " + std::to_string(seq - 1);
  // Of an outbox that was never heard of before, the first ones went to an earlier station: its
  // station.db is not ours.
  lost_.push_back({0,
                   now.wall,
                   unit,
                   "station",
                   stream.upto == 0 ? "its events " + range + " are from before this station's time"
                                    : "its events " + range + " are not to be had"});
  stream.upto = seq - 1;
  join(stream);
  stream.answers_without = 0;
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
