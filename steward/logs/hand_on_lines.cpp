// From the stream's messages to groups of lines.

#include "steward/logs/hand_on.hpp"
#include "steward/streams.hpp"
#include "subjects/wire/subject.hpp"

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

constexpr std::size_t kGroupBytes = std::size_t{1024} * 1024;
constexpr std::size_t kMostGiven = 4'096;      // groups that are not settled
constexpr std::chrono::seconds kHoleTime{60};  // so long numbers that are missing may come late

}  // namespace

void HandOn::drain(Steady now) {
  if (!reading_) {
    return;
  }
  for (auto& message : reading_->inbox.take()) {
    const auto size = Inbox::size_of(message);
    auto taken = reading_->reader->take(message, now);
    reading_->inbox.release(size);
    if (taken.kind == bus::Follower::Taken::Kind::nothing) {
      continue;
    }
    const bool pause = taken.kind == bus::Follower::Taken::Kind::pause;
    auto& entries = reading_->entries;
    // While nothing is taken the broker asks again and again; the last one is to be answered.
    if (pause && !entries.empty() &&
        entries.back().taken.kind == bus::Follower::Taken::Kind::pause) {
      entries.pop_back();
    }
    entries.push_back({pause ? bus::Message{} : std::move(message), std::move(taken)});
  }
  reading_->reader->tick(now);
}

Result<void> HandOn::fill(Steady now) {
  while (reading_ && !stopping_ && !reading_->entries.empty()) {
    auto& entries = reading_->entries;
    if (entries.front().taken.kind == bus::Follower::Taken::Kind::pause) {
      reading_->reader->resume(entries.front().taken.resume);
      entries.pop_front();
      continue;
    }
    if (!outlet_->wants() || given_.size() >= kMostGiven) {
      break;
    }
    auto entry = std::move(entries.front());
    entries.pop_front();
    if (auto added = add(std::move(entry), now); !added) {
      return added;
    }
    if (group_.bytes >= kGroupBytes) {
      if (auto given = give_group(now); !given) {
        return given;
      }
    }
  }
  if (auto settled = settle_holes(now); !settled) {
    return settled;
  }
  const bool due = stopping_ || now - group_since_ >= kGroupTime;
  return group_.upto.seq != 0 && due && outlet_->wants() ? give_group(now) : Result<void>();
}

// A number that the stream skips was dropped by it: it was full, or the message too old.
void HandOn::note_lost_messages(const bus::StreamPosition& position) {
  const bool first_ever = read_.seq == 0;
  if (!first_ever && position.seq > read_.seq + 1) {
    std::vector<bus::LogItem> items;
    items.push_back({clock_.now().time_since_epoch().count(),
                     station_,
                     "steward",
                     "stream:" + std::string(kLogs),
                     std::nullopt,
                     "messages " + std::to_string(read_.seq + 1) + " to " +
                         std::to_string(position.seq - 1) +
                         " had left the broker before they were handed on"});
    log_.error(items.back().notice + " (" + settings_.name + ")");
    append(std::move(items));
  }
  read_ = position;
}

Result<void> HandOn::add(Entry&& entry, Steady now) {
  if (group_.upto.seq == 0) {
    group_since_ = now;
    group_.oldest = entry.taken.position.time;
  }
  note_lost_messages(entry.taken.position);
  group_.upto = entry.taken.position;
  const auto& message = entry.message;
  const auto subject = wire::Subject::parse(message.subject);
  auto batch = wire::decode_log_batch(message.payload,
                                      message.headers.find("Content-Encoding").value_or(""));
  if (!subject || subject->is_broadcast() || !batch) {
    complaint_.say("a message of " + message.subject + " is no log" +
                   (batch ? "" : ": " + batch.error().text()));
    return {};
  }
  LogLane lane{subject->node->str(), subject->domain.str(), batch->head.source, batch->head.epoch};
  return add_batch(lane, *std::move(batch), now);
}

Result<void> HandOn::add_batch(const LogLane& key, wire::LogBatch&& batch, Steady now) {
  const bool wanted = settings_.units.matches(key.unit) &&
                      (settings_.domains.empty() ||
                       std::find(settings_.domains.begin(), settings_.domains.end(), key.domain) !=
                           settings_.domains.end());
  if (!wanted) {
    return {};
  }
  STEWARD_TRY(auto* const known, lane(key, now));
  const auto lines = batch.lines.size();
  auto items = known->course.take(key, std::move(batch));
  const auto fresh = static_cast<std::uint64_t>(std::count_if(
      items.begin(), items.end(), [](const auto& item) { return item.line.has_value(); }));
  group_.repeats += lines - fresh;
  if (!known->course.has_holes()) {
    known->holes_since.reset();
  } else if (!known->holes_since) {
    known->holes_since = now;
  }
  group_.lanes[key] = known->course;
  append(std::move(items));
  return {};
}

bool HandOn::meant(const bus::LogItem& item) const {
  return !item.line || item.line->severity <= settings_.severity;
}

void HandOn::append(std::vector<bus::LogItem>&& items) {
  constexpr std::size_t kOverhead = 200;
  for (auto& item : items) {
    if (meant(item)) {
      group_.bytes += kOverhead + (item.line ? item.line->line.size() : item.notice.size());
      group_.lines += item.line ? 1 : 0;
      group_.items.push_back(std::move(item));
    }
  }
}

Result<HandOn::Lane*> HandOn::lane(const LogLane& key, Steady now) {
  auto found = lanes_.find(key);
  if (found == lanes_.end()) {
    STEWARD_TRY(auto course, store_->lane(key));
    const bool holes = course.has_holes();
    found =
        lanes_.emplace(key, Lane{std::move(course), now, holes ? std::optional(now) : std::nullopt})
            .first;
  }
  found->second.used = now;
  return &found->second;
}

// What has not come when all else has, and a while later, is missing.
Result<void> HandOn::settle_holes(Steady now) {
  const bool ready = reading_ && reading_->reader->caught_up() && reading_->entries.empty();
  if (!ready || now < next_holes_ || read_.seq == 0) {
    return {};
  }
  next_holes_ = now + std::chrono::seconds(1);
  for (auto& [key, lane] : lanes_) {
    if (lane.holes_since && now - *lane.holes_since >= kHoleTime) {
      lane.holes_since.reset();
      append(lane.course.settle_holes(key, clock_.now().time_since_epoch().count()));
      group_.lanes[key] = lane.course;
      if (group_.upto.seq == 0) {
        group_.upto = read_;
        group_.oldest = clock_.now();
        group_since_ = now;
      }
    }
  }
  return {};
}

}  // namespace steward::station
