#include "steward/following.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

// How long one stream's messages wait for those of the other one that are still to come.
constexpr std::chrono::milliseconds kFollowingPatience{2'000};

// Of a file system: a write of so much needs room. Only a broker of our own is minded by it.
constexpr std::size_t kPage = 4'096;

constexpr Inbox::Bounds kAnswerBounds{1'024, 8 * 1024 * 1024};

}  // namespace

Following::Following(bus::Bus& bus,
                     Settings settings,
                     const std::map<std::string, bus::StreamPosition>& positions,
                     Links links)
    : bus_(bus),
      settings_(std::move(settings)),
      links_(std::move(links)),
      answers_(kAnswerBounds, links_.wake),
      jetstream_(bus, bus.new_inbox()),
      keeper_(jetstream_,
              wanted_streams(settings_.streams),
              {[this](const std::string& stream) {
                 for (auto& followed : streams_) {
                   if (followed.follower->stream() == stream) {
                     followed.follower->nudge(jetstream_.now());
                   }
                 }
               },
               [this](const std::string& text) { links_.complain(text); },
               [this](std::string text) { links_.said(std::move(text)); }}),
      lease_(jetstream_,
             {std::string(kLeaseBucket),
              lease_key(settings_.station),
              settings_.holder,
              settings_.session,
              settings_.streams.replicas,
              settings_.streams.space > 0 ? kPage : 0}) {
  const std::array<std::string_view, 2> names = {kCommands, kState};
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto& stream = streams_[i];
    stream.inbox = std::make_unique<Inbox>(Inbox::Bounds{}, links_.wake);
    const std::string name(names[i]);
    const auto last = positions.find(name);
    stream.follower = std::make_unique<bus::Follower>(
        bus_,
        jetstream_,
        bus::Follower::Settings{name, settings_.station + "-" + settings_.session},
        last == positions.end() ? bus::StreamPosition{} : last->second,
        bus::Follower::Callbacks{[inbox = stream.inbox.get()](bus::Message&& message) {
                                   inbox->push(std::move(message));
                                 },
                                 [this, name] { keeper_.missing(name, jetstream_.now()); },
                                 [this](std::string text) { links_.said(std::move(text)); }});
  }
}

Following::~Following() = default;

Result<void> Following::start() {
  STEWARD_TRY(hearing_, bus_.subscribe(jetstream_.answers(), [this](bus::Message&& answer) {
    answers_.push(std::move(answer));
  }));
  return {};
}

void Following::link(bool up, Steady now) {
  if (!up) {
    jetstream_.link_lost();
  }
  keeper_.link(up, now);
  for (auto& stream : streams_) {
    stream.follower->link(up, now);
  }
  lease_.link(up, now);
  tick(now);
}

void Following::drain(Steady now) {
  for (auto& answer : answers_.take()) {
    answers_.release(Inbox::size_of(answer));
    jetstream_.take(answer, now);
  }
  for (auto& stream : streams_) {
    take(stream, now);
  }
}

void Following::take(Stream& stream, Steady now) {
  for (auto& message : stream.inbox->take()) {
    auto taken = stream.follower->take(message, now);
    if (taken.kind == bus::Follower::Taken::Kind::nothing) {
      stream.inbox->release(Inbox::size_of(message));
      continue;
    }
    if (taken.kind == bus::Follower::Taken::Kind::pause) {
      stream.inbox->release(Inbox::size_of(message));
      message = {};
    } else if (!taken.fresh) {
      ++stream.stale;
    }
    stream.entries.push_back({std::move(message), std::move(taken)});
    stream.awaited.reset();
  }
  pass_pauses(stream);
}

// All before it was given out: the broker may send more.
void Following::pass_pauses(Stream& stream) {
  while (!stream.entries.empty() &&
         stream.entries.front().taken.kind == bus::Follower::Taken::Kind::pause) {
    stream.follower->resume(stream.entries.front().taken.resume);
    stream.entries.pop_front();
  }
}

void Following::tick(Steady now) {
  // First what has come: a thread that was held up must not take that for silence.
  drain(now);
  jetstream_.tick(now);
  keeper_.tick(now);
  for (auto& stream : streams_) {
    stream.follower->tick(now);
  }
  lease_.tick(now);
}

// While a stream catches up its next message may be older than what the other one holds.
bool Following::must_wait_for(Stream& other, Steady now) {
  if (!other.entries.empty() || other.follower->caught_up()) {
    return false;
  }
  if (!other.awaited) {
    other.awaited = now;
  }
  return now - *other.awaited < kFollowingPatience;
}

std::optional<Following::Item> Following::next(Steady now) {
  auto& [first, second] = streams_;
  Stream* from = nullptr;
  if (!first.entries.empty() && !second.entries.empty()) {
    from = second.entries.front().taken.position.time < first.entries.front().taken.position.time
               ? &second
               : &first;
  } else if (!first.entries.empty()) {
    from = must_wait_for(second, now) ? nullptr : &first;
  } else if (!second.entries.empty()) {
    from = must_wait_for(first, now) ? nullptr : &second;
  }
  if (from == nullptr) {
    return std::nullopt;
  }
  auto entry = std::move(from->entries.front());
  from->entries.pop_front();
  from->stale -= entry.taken.fresh ? 0 : 1;
  pass_pauses(*from);
  from->inbox->release(Inbox::size_of(entry.message));
  return Item{std::move(entry.message),
              from == &first ? kCommands : kState,
              std::move(entry.taken.position),
              entry.taken.fresh};
}

bool Following::waiting() const {
  return std::any_of(streams_.begin(), streams_.end(), [](const Stream& stream) {
    return !stream.entries.empty();
  });
}

bool Following::caught_up() const {
  return std::all_of(streams_.begin(), streams_.end(), [](const Stream& stream) {
    return stream.follower->caught_up() && stream.stale == 0;
  });
}

void Following::stop(Steady now) {
  lease_.release(now);
  for (auto& stream : streams_) {
    stream.follower->link(false, now);
    stream.inbox->close();
  }
  hearing_.reset();
  answers_.close();
}

std::optional<Following::Steady> Following::next_deadline() const {
  std::optional<Steady> next;
  const auto add = [&next](std::optional<Steady> deadline) {
    if (deadline) {
      next = next ? std::min(*next, *deadline) : deadline;
    }
  };
  add(jetstream_.next_deadline());
  add(keeper_.next_deadline());
  add(lease_.next_deadline());
  for (const auto& stream : streams_) {
    add(stream.follower->next_deadline());
    if (stream.awaited && waiting()) {
      add(*stream.awaited + kFollowingPatience);
    }
  }
  return next;
}

std::string Following::status(Steady now) const {
  nlohmann::json streams = nlohmann::json::object();
  for (const auto& stream : streams_) {
    streams[stream.follower->stream()] = {{"seq", stream.follower->last().seq},
                                          {"caught_up", stream.follower->caught_up()},
                                          {"waiting", stream.entries.size()},
                                          {"connects", stream.follower->connects()}};
  }
  return nlohmann::json{{"streams", std::move(streams)},
                        {"lease", lease_.held(now) ? "held" : "not held"},
                        {"lease_holder", lease_.seen_holder()},
                        {"trouble", lease_.trouble()}}
      .dump();
}

std::uint64_t Following::dropped() const {
  std::uint64_t sum = answers_.dropped();
  for (const auto& stream : streams_) {
    sum += stream.inbox->dropped();
  }
  return sum;
}

}  // namespace steward::station
