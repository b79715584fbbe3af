#include "handlers/syslogforwarding/forwarder.hpp"

#include <algorithm>
#include <utility>

namespace steward::handlers::syslogforwarding {

namespace {

using std::chrono::milliseconds;

// Batches that the broker has not acknowledged, and such as wait for their turn.
constexpr std::size_t kWindow = 16;
constexpr std::size_t kMostWaiting = 8;

constexpr milliseconds kFirstPause{250};
constexpr milliseconds kLongestPause{5'000};
constexpr milliseconds kSavePause{100};

// Our own lines: what is said about forwarding must not be forwarded, and so on for ever.
bool is_own(const wire::LogRecord& record) {
  return record.program == "steward-edge" || record.program == "steward";
}

}  // namespace

Forwarder::Forwarder(runtime::Context& context,
                     const Settings& settings,
                     Store& store,
                     std::function<void()> room_again)
    : context_(context),
      settings_(settings),
      store_(store),
      complaint_(context.clock, context.log),
      rate_(settings.rate),
      flush_(context.loop, [this] { flush(); }),
      retry_(context.loop,
             [this] {
               held_ = false;
               pump();
             }),
      save_(context.loop, [this] { save(); }),
      room_again_(context.loop, std::move(room_again)) {
  retry_.start(milliseconds(0));  // what an earlier run has left in the spool
}

std::shared_ptr<Feed> Forwarder::open(std::string source, Feed::Kind kind) {
  auto feed = std::make_shared<Feed>(std::move(source), context_.clock.new_id(), kind);
  if (kind == Feed::Kind::rereadable) {
    if (auto added = store_.add(*feed); !added) {
      complaint_.say("a source is not kept: " + added.error().text());
    }
  }
  feeds_.push_back(feed);
  return feed;
}

void Forwarder::resume(const std::shared_ptr<Feed>& feed) { feeds_.push_back(feed); }

std::string_view Forwarder::domain_of(const Feed& feed, const wire::LogRecord& record) const {
  for (const auto& route : settings_.routes) {
    if (route.condition.holds(record, feed.source)) {
      return route.domain;
    }
  }
  return context_.domain.str();
}

OpenBatch& Forwarder::open_batch(const std::shared_ptr<Feed>& feed, Lane& lane) {
  if (!lane.open) {
    lane.open = std::make_unique<OpenBatch>();
    auto& batch = *lane.open;
    batch.text = std::move(spare_);
    batch.text.clear();
    batch.text.reserve(settings_.batch_bytes + settings_.batch_bytes / 4);
    batch.head.source = feed->source;
    batch.head.epoch = feed->epoch.str();
    batch.head.first = lane.covered + 1;
    batch.head.last = lane.covered;
    batch.head.gap = std::exchange(feed->gap, {});
    batch.head.gap_lines = std::exchange(feed->gap_lines, 0);
    batch.mark = feed->mark;
    batch.began_us = context_.clock.now().time_since_epoch().count();
    batch.writer.begin(batch.head.first);
    if (!flush_.active()) {
      flush_.start(settings_.batch_time);
    }
  }
  return *lane.open;
}

void Forwarder::take(const std::shared_ptr<Feed>& feed,
                     wire::LogRecord& record,
                     std::uint64_t lines) {
  record.seq = feed->next_seq;
  feed->next_seq += lines;
  ++counts_.lines;
  if (is_own(record) || !settings_.filter.holds(record, feed->source)) {
    ++counts_.filtered;
    return;
  }
  const auto domain = domain_of(*feed, record);
  auto found = feed->lanes.find(domain);
  if (found == feed->lanes.end()) {
    found = feed->lanes.emplace(std::string(domain), Lane()).first;
  }
  auto& lane = found->second;
  const auto last = feed->next_seq - 1;
  if (last <= lane.covered) {
    return;  // read again: the broker has it
  }
  auto& batch = open_batch(feed, lane);
  batch.head.last = last;
  if (rate_.is_set() && !rate_.allows(domain, record.severity, context_.clock.steady())) {
    ++batch.head.suppressed;
    ++counts_.suppressed;
    return;
  }
  batch.writer.append(batch.text, record);
  ++batch.head.lines;
  ++batch.counts[static_cast<std::size_t>(record.severity)];
  if (batch.text.size() >= settings_.batch_bytes) {
    pack(feed, found->first, lane);
    pump();
  }
}

void Forwarder::gap(const std::shared_ptr<Feed>& feed, std::string why, std::uint64_t lines) {
  feed->gap = std::move(why);
  feed->gap_lines += lines;
  open_batch(feed, feed->lanes[context_.domain.str()]);
}

void Forwarder::end(const std::shared_ptr<Feed>& feed) {
  feed->ended = true;
  forget_if_ended(feed);
}

bool Forwarder::room() {
  const bool is_there =
      waiting_.size() < kMostWaiting && store_.spool_bytes() < settings_.spool_bytes / 10 * 9;
  waited_for_ = waited_for_ || !is_there;
  return is_there;
}

void Forwarder::flush() {
  const auto feeds = feeds_;  // a batch that is settled may end its feed
  for (const auto& feed : feeds) {
    for (auto& [domain, lane] : feed->lanes) {
      if (lane.open) {
        pack(feed, domain, lane);
      }
    }
  }
  pump();
}

void Forwarder::pack(const std::shared_ptr<Feed>& feed, const std::string& domain, Lane& lane) {
  const auto batch = std::move(lane.open);
  lane.covered = batch->head.last;
  auto parcel = std::make_shared<Parcel>(context_.clock.new_id());
  parcel->began_us = batch->began_us;
  parcel->feed = feed;
  parcel->domain = domain;
  parcel->head = batch->head;
  parcel->counts = batch->counts;
  parcel->mark = batch->mark;
  batch->text.insert(0, encode(batch->head));
  parcel->payload = compressor_.compress(batch->text);
  spare_ = std::move(batch->text);
  if (feed->kind == Feed::Kind::passing) {
    spool(parcel);
  } else {
    feed->underway.push_back(parcel);
    waiting_.push_back(std::move(parcel));
  }
}

// A disk that takes nothing must not cost the lines: then they go without.
void Forwarder::spool(const std::shared_ptr<Parcel>& parcel) {
  parcel->feed = nullptr;
  if (auto put = store_.put(*parcel); !put) {
    complaint_.say("a batch is not on disk before it is sent: " + put.error().text());
    if (waiting_.size() < kMostWaiting) {
      waiting_.push_back(parcel);
    } else {
      counts_.dropped += parcel->head.lines;
    }
    return;
  }
  keep_bound();
}

void Forwarder::keep_bound() {
  while (store_.spool_bytes() > settings_.spool_bytes) {
    const auto dropped = store_.drop_one(spool_at_);
    if (!dropped || *dropped == 0) {
      return;
    }
    counts_.dropped += *dropped;
    complaint_.say("the spool is full: lines are dropped, the least severe first");
  }
}

std::shared_ptr<Parcel> Forwarder::next_parcel() {
  if (!again_.empty()) {
    auto parcel = std::move(again_.front());
    again_.pop_front();
    return parcel;
  }
  spool_turn_ = !spool_turn_;
  if (!spool_turn_ || waiting_.empty()) {
    auto spooled = store_.next(spool_at_);
    if (spooled && *spooled) {
      spool_at_ = (*spooled)->spool_row;
      if ((*spooled)->payload.empty()) {
        auto& parcel = **spooled;
        parcel.head.dropped = parcel.counts;
        parcel.payload = compressor_.compress(encode(parcel.head));
      }
      return *spooled;
    }
    if (!spooled) {
      complaint_.say("the spool cannot be read: " + spooled.error().text());
    }
  }
  if (waiting_.empty()) {
    return nullptr;
  }
  auto parcel = std::move(waiting_.front());
  waiting_.pop_front();
  return parcel;
}

void Forwarder::pump() {
  while (!held_ && underway_ < kWindow && context_.publisher.link_up()) {
    const auto parcel = next_parcel();
    if (!parcel) {
      break;
    }
    send(parcel);
  }
  // By way of the loop: a source may be in the middle of giving us lines.
  if (waited_for_ && room()) {
    waited_for_ = false;
    room_again_.start(milliseconds(0));
  }
}

void Forwarder::send(const std::shared_ptr<Parcel>& parcel) {
  auto domain = wire::Token::parse(parcel->domain);
  ++underway_;
  context_.publisher.deliver(
      {parcel->id,
       domain ? *std::move(domain) : context_.domain,
       parcel->payload,
       std::string(wire::kLogContentType),
       std::string(wire::kLogContentEncoding)},
      [this, parcel, alive = std::weak_ptr<bool>(alive_)](const Result<void>& kept) {
        if (!alive.expired()) {
          came_back(parcel, kept);
        }
      });
}

void Forwarder::came_back(const std::shared_ptr<Parcel>& parcel, const Result<void>& kept) {
  --underway_;
  if (kept) {
    pause_ = milliseconds(0);
    settle(parcel);
  } else if (kept.error().code == ErrorCode::too_large) {
    give_up(*parcel, kept.error());
    again_.push_back(parcel);
  } else {
    complaint_.say("a batch was not taken by the broker: " + kept.error().text());
    ++counts_.repeated;
    again_.push_back(parcel);
    if (!held_) {
      held_ = true;
      pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
      retry_.start(pause_);
    }
  }
  pump();
}

// It would never be taken: its lines are counted instead.
void Forwarder::give_up(Parcel& parcel, const Error& error) {
  complaint_.say("a batch is dropped: " + error.text());
  counts_.dropped += parcel.head.lines;
  parcel.head.lines = 0;
  parcel.head.dropped = parcel.counts;
  parcel.payload = compressor_.compress(encode(parcel.head));
}

void Forwarder::settle(const std::shared_ptr<Parcel>& parcel) {
  counts_.forwarded += parcel->head.lines;
  ++counts_.batches;
  counts_.bytes += parcel->payload.size();
  if (parcel->spool_row != 0) {
    if (auto erased = store_.erase(parcel->spool_row); !erased) {
      complaint_.say("a batch stays in the spool: " + erased.error().text());
    }
  } else if (parcel->feed) {
    parcel->kept = true;
    parcel->payload = {};
    const auto feed = parcel->feed;
    settle_feed(*feed);
    forget_if_ended(feed);
  }
  if (!save_.active()) {
    save_.start(kSavePause);
  }
}

// In the order of their making: so what is before a mark is with the broker, all of it.
void Forwarder::settle_feed(Feed& feed) {
  while (!feed.underway.empty() && feed.underway.front()->kept) {
    const auto& parcel = *feed.underway.front();
    feed.lanes[parcel.domain].kept = parcel.head.last;
    feed.underway.pop_front();
  }
  const Mark* least = &feed.mark;
  const auto lower = [&least](const Mark& mark) {
    if (mark.seq < least->seq) {
      least = &mark;
    }
  };
  for (const auto& parcel : feed.underway) {
    lower(parcel->mark);
  }
  for (const auto& [domain, lane] : feed.lanes) {
    if (lane.open) {
      lower(lane.open->mark);
    }
  }
  feed.saved = *least;
  feed.dirty = true;
}

void Forwarder::forget_if_ended(const std::shared_ptr<Feed>& feed) {
  const bool open = std::any_of(feed->lanes.begin(), feed->lanes.end(), [](const auto& lane) {
    return lane.second.open != nullptr;
  });
  if (!feed->ended || open || !feed->underway.empty()) {
    return;
  }
  if (feed->row != 0) {
    if (auto removed = store_.remove(*feed); !removed) {
      complaint_.say("a source is not forgotten: " + removed.error().text());
    }
  }
  feeds_.erase(std::remove(feeds_.begin(), feeds_.end(), feed), feeds_.end());
}

void Forwarder::link_up() {
  held_ = false;
  pause_ = milliseconds(0);
  pump();
}

void Forwarder::save() {
  std::vector<const Feed*> changed;
  for (const auto& feed : feeds_) {
    if (feed->kind == Feed::Kind::rereadable && feed->row != 0) {
      if (feed->underway.empty()) {
        settle_feed(*feed);  // lines that go nowhere need no acknowledgement
      }
      if (feed->dirty) {
        changed.push_back(feed.get());
        feed->dirty = false;
      }
    }
  }
  if (changed.empty()) {
    return;
  }
  if (auto saved = store_.save(changed); !saved) {
    complaint_.say("how far was read is not kept: " + saved.error().text());
  }
}

}  // namespace steward::handlers::syslogforwarding
