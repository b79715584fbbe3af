#include "subjects/bus/follower.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace steward::bus {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// What a pushed message says of itself in its reply subject:
// $JS.ACK.<stream>.<consumer>.<tries>.<stream seq>.<consumer seq>.<nanoseconds>.<pending>, or, from
// newer brokers, with <domain>.<account> behind ACK.
struct Delivery {
  std::string_view consumer;
  std::uint64_t stream_seq = 0;
  std::uint64_t consumer_seq = 0;
  wire::Timestamp time;
};

std::optional<Delivery> parse_delivery(std::string_view reply) {
  constexpr std::size_t kShort = 9;
  constexpr std::size_t kMost = 12;
  constexpr std::string_view kPrefix = "$JS.ACK.";
  if (reply.substr(0, kPrefix.size()) != kPrefix) {
    return std::nullopt;
  }
  std::array<std::string_view, kMost> tokens;
  std::size_t count = 0;
  for (bool more = true; more && count < kMost; ++count) {
    const auto dot = reply.find('.');
    more = dot != std::string_view::npos;
    tokens[count] = reply.substr(0, dot);
    reply.remove_prefix(more ? dot + 1 : reply.size());
  }
  if (count < kShort) {
    return std::nullopt;
  }
  const std::size_t shift = count > kShort ? 2 : 0;
  const auto stream_seq = number(tokens[5 + shift]);
  const auto consumer_seq = number(tokens[6 + shift]);
  const auto nanoseconds = number(tokens[7 + shift]);
  if (!stream_seq || !consumer_seq || !nanoseconds) {
    return std::nullopt;
  }
  const auto time = std::chrono::floor<std::chrono::microseconds>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(*nanoseconds)));
  return Delivery{tokens[3 + shift], *stream_seq, *consumer_seq, wire::Timestamp(time)};
}

std::string id_of_message(const Message& message) {
  return std::string(message.headers.find("ce-id").value_or(std::string_view()));
}

}  // namespace

Follower::Follower(
    Bus& bus, JetStream& jetstream, Settings settings, StreamPosition last, Callbacks call)
    : bus_(bus),
      jetstream_(jetstream),
      settings_(std::move(settings)),
      call_(std::move(call)),
      last_(std::move(last)) {}

void Follower::link(bool up, Steady now) {
  ++round_;
  hearing_.reset();
  backoff_ = kFirstRetry;
  left_ = 1;
  step_ = up ? Step::waiting : Step::away;
  next_ = now;
}

void Follower::nudge(Steady now) {
  if (step_ == Step::waiting) {
    next_ = now;
  }
}

void Follower::tick(Steady now) {
  if (step_ == Step::waiting && now >= next_) {
    attach(now);
  } else if (step_ == Step::following && now - heard_ >= kSilence) {
    again(now, "nothing comes");
  }
}

std::optional<Follower::Steady> Follower::next_deadline() const {
  switch (step_) {
    case Step::waiting:
      return next_;
    case Step::following:
      return heard_ + kSilence;
    case Step::away:
    case Step::asking:
      break;
  }
  return std::nullopt;
}

void Follower::attach(Steady now) {
  step_ = Step::asking;
  jetstream_.info(settings_.stream, now, [this, round = ++round_](const auto& info) {
    if (round != round_) {
      return;
    }
    if (info) {
      check(*info, round);
      return;
    }
    retry(jetstream_.now());
    if (info.error().code == ErrorCode::not_found) {
      call_.missing();
    }
  });
}

void Follower::check(const StreamInfo& info, std::uint64_t round) {
  if (last_.seq > info.last_seq) {
    restart_from_first("it ends at " + std::to_string(info.last_seq));
  } else if (last_.seq > 0 && last_.seq + 1 < info.first_seq) {
    call_.said("messages " + std::to_string(last_.seq + 1) + " to " +
               std::to_string(info.first_seq - 1) + " of " + settings_.stream +
               " were gone before they were read");
    last_ = {info.first_seq - 1, {}, {}};
  } else if (last_.seq >= info.first_seq && last_.seq > 0) {
    jetstream_.message(
        settings_.stream, last_.seq, jetstream_.now(), [this, round](const auto& found) {
          check_last(found, round);
        });
    return;
  }
  connect(round);
}

void Follower::check_last(const Result<std::optional<StoredMessage>>& found, std::uint64_t round) {
  if (round != round_) {
    return;
  }
  if (!found) {
    retry(jetstream_.now());
    return;
  }
  const bool same =
      *found && (*found)->position.time == last_.time && (*found)->position.id == last_.id;
  if (!same) {
    restart_from_first("it holds another message at " + std::to_string(last_.seq));
  }
  connect(round);
}

void Follower::restart_from_first(std::string_view why) {
  call_.said("the broker's store of " + settings_.stream + " was lost or rolled back (" +
             std::string(why) + ", not the message that was read last): it is followed from its " +
             "first message again");
  last_ = {};
}

void Follower::connect(std::uint64_t round) {
  const auto now = jetstream_.now();
  inbox_ = bus_.new_inbox();
  auto hearing = bus_.subscribe(inbox_, call_.sink);
  if (!hearing) {
    retry(now);
    return;
  }
  hearing_ = std::move(*hearing);
  consumer_ = settings_.tag + "-" + std::to_string(++connects_);
  delivered_ = 0;
  backlog_.reset();
  left_ = 1;
  heard_ = now;
  step_ = Step::following;  // messages may come before the answer does
  jetstream_.create_consumer({settings_.stream,
                              consumer_,
                              inbox_,
                              last_.seq + 1,
                              kHeartbeat,
                              settings_.subject,
                              last_.seq == 0 ? settings_.since : std::nullopt},
                             now,
                             [this, round](const auto& backlog) {
                               if (round != round_) {
                                 return;
                               }
                               if (!backlog) {
                                 let_go();
                                 retry(jetstream_.now());
                                 return;
                               }
                               backoff_ = kFirstRetry;
                               backlog_ = *backlog;
                               left_ = *backlog - std::min(*backlog, delivered_);
                             });
}

void Follower::let_go() {
  ++round_;
  hearing_.reset();
  jetstream_.delete_consumer(settings_.stream, consumer_);
}

void Follower::retry(Steady now) {
  step_ = Step::waiting;
  left_ = 1;
  next_ = now + backoff_;
  backoff_ = std::min(backoff_ * 2, kLongestRetry);
}

void Follower::again(Steady now, std::string_view why) {
  call_.said("the messages of " + settings_.stream + " are asked for anew behind " +
             std::to_string(last_.seq) + ": " + std::string(why));
  let_go();
  retry(now);
}

Follower::Taken Follower::take(const Message& message, Steady now) {
  if (step_ != Step::following) {
    return {};
  }
  if (message.subject == inbox_) {
    return take_status(message, now);
  }
  const auto delivery = parse_delivery(message.reply);
  if (!delivery || delivery->consumer != consumer_) {
    return {};  // of an earlier consumer
  }
  heard_ = now;
  if (delivery->consumer_seq != delivered_ + 1 || delivery->stream_seq <= last_.seq) {
    again(now, "some are missing");
    return {};
  }
  ++delivered_;
  Taken taken{Taken::Kind::message,
              {delivery->stream_seq, delivery->time, id_of_message(message)},
              left_ == 0,
              {}};
  last_ = taken.position;
  if (backlog_ && left_ > 0) {
    left_ = *backlog_ - std::min(*backlog_, delivered_);
  }
  return taken;
}

// A heartbeat tells how far the consumer is: what it has sent and did not come is lost. Either may
// ask for a sign that its window may move on.
Follower::Taken Follower::take_status(const Message& message, Steady now) {
  if (message.headers.find("Status") != "100") {
    return {};
  }
  heard_ = now;
  if (!message.reply.empty()) {
    return {Taken::Kind::pause, {}, false, message.reply};
  }
  const auto sent = message.headers.find("Nats-Last-Consumer");
  if (sent && number(*sent) != delivered_) {
    again(now, "some are missing at the end");
    return {};
  }
  if (const auto stalled = message.headers.find("Nats-Consumer-Stalled")) {
    return {Taken::Kind::pause, {}, false, std::string(*stalled)};
  }
  if (sent && backlog_) {
    left_ = 0;  // it is idle: what it counted and did not send has left the stream since
  }
  return {};
}

void Follower::resume(const std::string& pause) {
  static_cast<void>(bus_.publish({pause, {}, {}, {}}));
}

}  // namespace steward::bus
