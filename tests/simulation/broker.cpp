#include "tests/simulation/broker.hpp"

#include "subjects/bus/interest.hpp"
#include "subjects/wire/subject.hpp"

#include <algorithm>
#include <utility>

namespace steward::simulation {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDuplicateWindow{120'000};
constexpr milliseconds kReconnect{200};

}  // namespace

struct Link::Ear {
  std::string subject;
  bus::Bus::Sink sink;
};

// A link's state, which may be outlived by what is under way.
struct Link::Life {
  explicit Life(Link* of) : link(of) {}

  Link* link;                // null once it is gone
  bool up = false;           // as its end knows
  bool out_works = false;    // to the broker
  bool in_works = false;     // from it
  std::uint64_t number = 0;  // of the connection
  std::uint64_t connects = 0;
  Timeline::Steady away_until{};
  Timeline::Steady last_out{};  // arrival of the last message under way
  Timeline::Steady last_in{};
  std::map<std::uint64_t, Ear> ears;
  std::uint64_t next_ear = 1;
};

namespace {

class Interest final : public bus::Subscription {
 public:
  explicit Interest(std::function<void()> end) : end_(std::move(end)) {}

  ~Interest() override { end_(); }

 private:
  const std::function<void()> end_;
};

}  // namespace

Link::Link(Broker& broker, std::string name, std::function<void(bus::LinkState)> on_change)
    : broker_(broker),
      name_(std::move(name)),
      on_change_(std::move(on_change)),
      life_(std::make_shared<Life>(this)) {
  broker_.join(*this);
}

Link::~Link() { life_->link = nullptr; }

Result<void> Link::publish(const bus::Message& message) {
  if (!life_->up) {
    return failure(ErrorCode::unavailable, "no link");
  }
  const auto arrives = broker_.arrival(life_->last_out);
  broker_.timeline_.at(arrives,
                       [this_broker = &broker_,
                        life = life_,
                        number = life_->number,
                        broker = broker_.life_number_,
                        message] {
                         if (life->number == number && life->out_works && this_broker->up_ &&
                             this_broker->life_number_ == broker) {
                           this_broker->take(message);
                         }
                       });
  return {};
}

Result<std::unique_ptr<bus::Subscription>> Link::subscribe(const std::string& subject, Sink sink) {
  const auto number = life_->next_ear++;
  life_->ears.emplace(number, Ear{subject, std::move(sink)});
  return std::make_unique<Interest>([life = life_, number] { life->ears.erase(number); });
}

std::string Link::new_inbox() {
  return "_INBOX." + name_ + "." + std::to_string(++broker_.inboxes_);
}

bus::LinkStatus Link::status() const {
  bus::LinkStatus status;
  status.state = life_->up ? bus::LinkState::up : bus::LinkState::connecting;
  status.connects = life_->connects;
  return status;
}

Result<void> Link::flush(milliseconds) { return {}; }

Broker::Broker(Timeline& timeline, Random& random, const Weather& weather, Judge& judge)
    : timeline_(timeline), random_(random), weather_(weather), judge_(judge) {}

void Broker::make(Stream stream) { content(stream).made = true; }

const Broker::Stored* Broker::read(Stream stream, std::uint64_t from) const {
  const auto& messages = content(stream).messages;
  const auto at = messages.lower_bound(from);
  return at == messages.end() ? nullptr : &at->second;
}

const Broker::Stored* Broker::find(Stream stream, std::uint64_t seq) const {
  const auto& messages = content(stream).messages;
  const auto at = messages.find(seq);
  return at == messages.end() ? nullptr : &at->second;
}

Timeline::Steady Broker::arrival(Timeline::Steady& last) {
  last = std::max(last, timeline_.now() + random_.between(milliseconds(0), weather_.longest_delay));
  return last;
}

void Broker::join(Link& link) {
  links_.push_back(link.life_);
  timeline_.after(kReconnect, [this, life = link.life_] { connect(life); });
}

void Broker::connect(const std::shared_ptr<Link::Life>& life) {
  if (life->link == nullptr || life->up) {
    return;
  }
  if (!up_ || timeline_.now() < life->away_until) {
    timeline_.after(kReconnect, [this, life] { connect(life); });
    return;
  }
  ++life->number;
  ++life->connects;
  life->up = life->out_works = life->in_works = true;
  life->link->on_change_(bus::LinkState::up);
}

// The end notices that its link is gone, and tries again.
void Broker::drop(const std::shared_ptr<Link::Life>& life, milliseconds away) {
  life->away_until = std::max(life->away_until, timeline_.now() + away);
  life->out_works = life->in_works = false;
  if (life->link == nullptr || !life->up) {
    return;
  }
  life->up = false;
  ++life->number;
  life->link->on_change_(bus::LinkState::connecting);
  timeline_.after(kReconnect, [this, life] { connect(life); });
}

void Broker::crash(milliseconds away) {
  judge_.happened("broker crashed");
  up_ = false;
  ++life_number_;
  for (const auto& link : links_) {
    if (const auto life = link.lock()) {
      drop(life, milliseconds(0));
    }
  }
  timeline_.after(away, [this, number = life_number_] {
    if (number == life_number_) {
      up_ = true;
    }
  });
}

void Broker::lose_tail(std::uint64_t most) {
  judge_.happened("broker lost its tail");
  for (auto& stream : streams_) {
    for (auto left = random_.below(most + 1); left > 0 && !stream.messages.empty(); --left) {
      stream.messages.erase(std::prev(stream.messages.end()));
      stream.last = stream.messages.empty() ? 0 : stream.messages.rbegin()->first;
    }
  }
  recent_ids_.clear();
}

void Broker::forget() {
  judge_.happened("broker forgot everything");
  for (auto& stream : streams_) {
    stream = Content{};
  }
  recent_ids_.clear();
}

void Broker::cut(const std::string& link, Cut how, milliseconds away) {
  for (const auto& candidate : links_) {
    const auto life = candidate.lock();
    if (!life || life->link == nullptr || life->link->name() != link || !life->up) {
      continue;
    }
    judge_.happened(how == Cut::both        ? "link cut both ways"
                    : how == Cut::to_broker ? "link cut to the broker"
                                            : "link cut from the broker");
    life->out_works = life->out_works && how == Cut::from_broker;
    life->in_works = life->in_works && how == Cut::to_broker;
    timeline_.after(random_.between(milliseconds(0), weather_.longest_unnoticed),
                    [this, life, away, number = life->number] {
                      if (life->number == number) {
                        drop(life, away);
                      }
                    });
  }
}

void Broker::calm() {
  weather_.lost = weather_.twice = 0;
  up_ = true;
  for (const auto& link : links_) {
    if (const auto life = link.lock()) {
      life->away_until = {};
      if (life->up && (!life->out_works || !life->in_works)) {
        drop(life, milliseconds(0));
      }
    }
  }
}

void Broker::take(bus::Message message) {
  judge_.tell(message.subject + " " + std::string(message.headers.find("ce-id").value_or("")) +
              " " + std::string(message.headers.find("ce-seq").value_or("")) + " " +
              message.payload);
  store(message);
  deliver(message);
}

void Broker::store(const bus::Message& message) {
  const auto subject = wire::Subject::parse(message.subject);
  if (!subject) {
    return;
  }
  const auto& method = subject->method.str();
  const bool is_command = subject->kind == wire::Kind::command && method != "query" &&
                          method != "hello" && method != "outbox";
  if (!is_command && (subject->kind != wire::Kind::event || method != "ack")) {
    return;
  }
  auto& stream = content(is_command ? Stream::commands : Stream::state);
  const auto expected = message.headers.find("Nats-Expected-Stream");
  if (!stream.made || (expected && *expected != (is_command ? "COMMANDS" : "STATE"))) {
    return;
  }
  const std::string id(message.headers.find("ce-id").value_or(""));
  const auto recent = recent_ids_.find(id);
  if (recent == recent_ids_.end() || timeline_.now() - recent->second > kDuplicateWindow) {
    recent_ids_[id] = timeline_.now();
    const auto seq = ++stream.last;
    stream.messages.emplace(seq, Stored{{seq, timeline_.wall(), id}, message});
    if (tell_stored_) {
      tell_stored_();
    }
  }
  if (!message.reply.empty()) {
    deliver({message.reply, {}, R"({"stream":"made"})", {}});
  }
}

void Broker::deliver(const bus::Message& message) {
  for (auto at = links_.begin(); at != links_.end();) {
    const auto life = at->lock();
    if (!life || life->link == nullptr) {
      at = links_.erase(at);
      continue;
    }
    ++at;
    const bool hears =
        life->in_works &&
        std::any_of(life->ears.begin(), life->ears.end(), [&message](const auto& ear) {
          return bus::subject_matches(ear.second.subject, message.subject);
        });
    if (!hears) {
      continue;
    }
    if (random_.happens(weather_.lost)) {
      judge_.happened("delivery lost");
      continue;
    }
    send(life, message);
    if (random_.happens(weather_.twice)) {
      judge_.happened("delivery twice");
      send(life, message);
    }
  }
}

void Broker::send(const std::shared_ptr<Link::Life>& life, const bus::Message& message) {
  timeline_.at(arrival(life->last_in), [life, number = life->number, message] {
    if (life->link == nullptr || life->number != number || !life->in_works) {
      return;
    }
    const auto ears = life->ears;  // a sink may end a subscription
    for (const auto& [ear_number, ear] : ears) {
      if (life->ears.contains(ear_number) && bus::subject_matches(ear.subject, message.subject)) {
        auto copy = message;
        ear.sink(std::move(copy));
      }
    }
  });
}

}  // namespace steward::simulation
