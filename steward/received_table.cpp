#include "steward/received_table.hpp"

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

using std::chrono::milliseconds;

// More than a unit sends again ahead of what is acknowledged, each event of another epoch: what it
// is about to get through is not forgotten for what comes next.
constexpr std::size_t kEpochsKept = 512;
constexpr std::size_t kRangesKept = 1024;
constexpr milliseconds kGapPatience{2'000};
constexpr milliseconds kLongestDeliveryBackoff{60'000};

// A unit that has nothing of an earlier epoch any more says nothing of it: it is asked so often,
// and no more.
constexpr int kAsksForSuperseded = 5;

}  // namespace

void ReceivedTable::restore(const ReceivedRecord& record) {
  stream(record.unit, record.epoch).upto = record.upto;
}

ReceivedTable::Stream& ReceivedTable::stream(const std::string& unit,
                                             const wire::MessageId& epoch) {
  auto& [streams, latest] = units_[unit];
  auto at = streams.find(epoch);
  if (at == streams.end()) {
    if (streams.size() >= kEpochsKept) {
      forget(unit,
             streams,
             std::min_element(streams.begin(), streams.end(), [](const auto& a, const auto& b) {
               return a.second.touched < b.second.touched;
             }));
    }
    at = streams.emplace(epoch, Stream{}).first;
    latest = epoch;
  }
  at->second.touched = ++touches_;
  return at->second;
}

void ReceivedTable::forget(const std::string& unit, Streams& streams, Streams::iterator at) {
  touched_.erase({unit, at->first});
  forgotten_.insert({unit, at->first});
  streams.erase(at);
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

// What stands behind a gap came through the same stream as what is missing, and after it: what the
// unit has no more of that was acknowledged by an earlier station, or lost by its storage.
void ReceivedTable::told(const std::string& unit,
                         const std::vector<wire::OutboxBegin>& outbox,
                         Moment now) {
  const auto known = units_.find(unit);
  if (known == units_.end() || outbox.empty()) {
    return;
  }
  auto& [streams, latest] = known->second;
  latest = outbox.back().epoch;
  for (auto at = streams.begin(); at != streams.end();) {
    const auto told = std::find_if(outbox.begin(), outbox.end(), [&at](const auto& begin) {
      return begin.epoch == at->first;
    });
    if (told == outbox.end()) {
      const bool told_all = outbox.size() < wire::kMostEpochsTold;
      const auto gone = at++;
      if (told_all && gone->first != latest) {
        forget(unit, streams, gone);
      }
      continue;
    }
    auto& stream = at->second;
    while (!stream.above.empty() && stream.upto + 1 < told->first) {
      give_up(unit, at, std::min(told->first, stream.above.begin()->first) - 1, now);
    }
    ++at;
  }
}

void ReceivedTable::give_up(const std::string& unit,
                            Streams::iterator at,
                            std::uint64_t upto,
                            Moment now) {
  auto& [epoch, stream] = *at;
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
  touched_.insert({unit, epoch});
}

std::vector<ReceivedTable::Resend> ReceivedTable::due(Moment now) {
  std::vector<Resend> resends;
  for (auto unit = gapped_.begin(); unit != gapped_.end();) {
    bool gap = false;
    auto& [streams, latest] = units_[*unit];
    for (auto& [epoch, stream] : streams) {
      const bool superseded = epoch != latest;
      if (stream.above.empty() || (superseded && stream.asks >= kAsksForSuperseded)) {
        continue;
      }
      gap = true;
      if (stream.ask_at <= now.steady) {
        resends.push_back({*unit, epoch, stream.upto + 1});
        ++stream.asks;
        stream.backoff = std::min(stream.backoff * 2, kLongestDeliveryBackoff);
        stream.ask_at = now.steady + stream.backoff;
      }
    }
    unit = gap ? std::next(unit) : gapped_.erase(unit);
  }
  return resends;
}

void ReceivedTable::take_changes(Batch& batch) {
  for (const auto& [unit, epoch] : touched_) {
    batch.received.insert_or_assign({unit, epoch}, units_[unit].streams[epoch].upto);
  }
  touched_.clear();
  batch.forgotten.insert(forgotten_.begin(), forgotten_.end());
  forgotten_.clear();
  for (auto& row : lost_) {
    batch.history.push_back(std::move(row));
  }
  lost_.clear();
}

}  // namespace steward::station
