#include "tests/simulation/unit_life.hpp"

#include "subjects/wire/fields.hpp"
#include "subjects/wire/hello.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace steward::simulation {

using std::chrono::milliseconds;
using wire::CommandState;

namespace {

constexpr milliseconds kHello{10'000};
constexpr milliseconds kLongestWrite{8};
constexpr milliseconds kRetryWrite{1'000};
constexpr milliseconds kPrune{10'000};
constexpr milliseconds kTidy{2'000};

std::string_view behind_kind(std::string_view subject) {
  const auto kind = subject.find('.', subject.find('.') + 1);
  return subject.substr(kind + 1);
}

}  // namespace

Furniture& furniture() {
  static Furniture shared;
  return shared;
}

Unit::Life::Life(
    World& world, const std::string& name, NodeClock& clock, Disk& disk, std::function<void()> die)
    : world_(world),
      name_(name),
      clock_(clock),
      disk_(disk),
      die_(std::move(die)),
      session_(clock.new_id()),
      node_(*wire::NodeName::parse(name)),
      channel_(wire::Source::node(node_), wire::Completeness::required, clock.ids()),
      link_(world.broker, name, [this](bus::LinkState state) { link_changed(state); }),
      outbox_(clock.new_id(), bus::Outbox::Limits{}),
      journal_({disk,
                outbox_,
                channel_,
                [this](const bus::Message& message) {
                  publish(message);
                  look();
                },
                [&clock] { return clock.now(); },
                [&clock] { return clock.steady(); }}),
      ledger_(journal_, {}),
      house_{node_,
             link_,
             channel_,
             journal_,
             ledger_,
             clock,
             furniture().processes,
             *this,
             furniture().log,
             {}},
      kind_{kMethod, kDomain, true, nullptr},
      intake_(house_,
              kind_,
              *wire::Token::parse(kDomain),
              loop_,
              tally_,
              runtime::Logger(furniture().log, name)),
      worker_(*this),
      token_(std::make_shared<Life*>(this)) {
  journal_.on_wake([this] {
    if (!std::exchange(pump_arranged_, true)) {
      after(world_.random.between(milliseconds(0), kLongestWrite), [this] { pump(); });
    }
  });
}

Unit::Life::~Life() { *token_ = nullptr; }

void Unit::Life::after(milliseconds delay, std::function<void()> step) {
  world_.timeline.after(delay, [token = token_, step = std::move(step)] {
    if (*token != nullptr) {
      (*token)->guarded(step);
    }
  });
}

// All that this life does is done in here.
void Unit::Life::guarded(const std::function<void()>& step) {
  if (dying_) {
    return;
  }
  try {
    step();
    if (!dying_) {
      journal_.wake();
    }
  } catch (const Crash&) {
    dying_ = true;
    die_();
  }
}

void Unit::Life::start() {
  const auto rows = [this] {
    if (!outbox_.load(disk_, clock_.now(), clock_.steady()) || !journal_.load()) {
      throw std::logic_error("the disk cannot be read");
    }
    return *ledger_.load(disk_);
  }();
  for (const auto& row : rows) {
    if (row.stage == bus::CommandStage::started && row.attempts == 0) {
      world_.judge.broken("started without a run: " + row.id.str());
    }
  }
  intake_.left(rows);
  hear(name_ + ".command.>", [this](bus::Message&& message) { route(std::move(message)); });
  hear("@all.command.>", [this](bus::Message&& message) { route(std::move(message)); });
  hear("*.event.received." + name_, [this](bus::Message&& message) { acknowledged(message); });
  after(milliseconds(0), [this] {
    intake_.serve(&worker_);
    intake_.resume([this] {
      resuming_ = false;
      drain();
    });
  });
  greet();
  after(kPrune, [this] { prune(); });
}

void Unit::Life::prune() {
  ledger_.prune(clock_.now(), clock_.steady());
  after(kPrune, [this] { prune(); });
}

void Unit::Life::hear(const std::string& subject, bus::Bus::Sink sink) {
  subscriptions_.push_back(*link_.subscribe(subject, [this, sink](bus::Message&& message) {
    guarded([&] { sink(std::move(message)); });
  }));
}

void Unit::Life::pump() {
  pump_arranged_ = false;
  if (journal_.pump() == bus::Journal::Outcome::failed) {
    pump_arranged_ = true;
    after(kRetryWrite, [this] { pump(); });
  }
}

void Unit::Life::publish(const bus::Message& message) {
  const auto epoch = message.headers.find("ce-epoch");
  const auto seq = message.headers.find("ce-seq");
  bool kept = true;
  if (epoch && seq) {
    const auto found =
        disk_.event({*wire::MessageId::parse(*epoch), std::stoull(std::string(*seq))});
    kept = found && *found;
  }
  world_.judge.published(name_, message, kept);
  static_cast<void>(link_.publish(message).has_value());
}

void Unit::Life::link_changed(bus::LinkState state) {
  if (state != bus::LinkState::up) {
    return;
  }
  guarded([this] {
    say_hello(true);
    outbox_.send_again(clock_.steady());
    look();
  });
}

wire::Hello Unit::Life::hello() const {
  wire::Hello hello;
  hello.session = session_.str();
  hello.agent_version = "simulated";
  hello.interval = kHello;
  hello.outbox_depth = static_cast<std::int64_t>(outbox_.depth());
  hello.outbox_oldest = outbox_.oldest(clock_.steady());
  for (const auto& [epoch, first] : outbox_.begins(wire::kMostEpochsTold)) {
    hello.outbox.push_back({epoch, first});
  }
  hello.ledger_open = static_cast<std::int64_t>(ledger_.open());
  return hello;
}

void Unit::Life::say_hello(bool first) {
  const auto envelope =
      channel_.envelope(*wire::Subject::parse(name_ + ".event.hello.agent"), clock_.now());
  auto said = hello();
  said.first = first;
  static_cast<void>(link_.publish(channel_.seal(envelope, wire::encode(said))).has_value());
}

void Unit::Life::greet() {
  after(kHello, [this] {
    say_hello(false);
    greet();
  });
}

void Unit::Life::route(bus::Message&& message) {
  const auto service = behind_kind(message.subject);
  if (service == "outbox.events") {
    outbox_command(std::move(message));
  } else if (service == std::string(kMethod) + "." + kDomain) {
    inbox_.push_back(std::move(message));
    drain();
  }
}

void Unit::Life::drain() {
  while (!resuming_ && !inbox_.empty() && !dying_) {
    auto message = std::move(inbox_.front());
    inbox_.pop_front();
    const auto repeated = tally_.repeated.load();
    intake_.take(std::move(message));
    if (tally_.repeated != repeated) {
      world_.judge.happened("copy answered with the recorded ACK");
    }
  }
}

void Unit::Life::outbox_command(bus::Message&& message) {
  const auto opened = channel_.open_command(node_, std::move(message), clock_.now());
  if (!opened) {
    return;
  }
  const auto object = wire::parse_json(opened->payload);
  if (!object) {
    return;
  }
  wire::Fields fields(*object);
  if (fields.required_text("op") == "recall") {
    for (const auto& ref : fields.texts("refs")) {
      recall(*wire::MessageId::parse(ref));
    }
    return;
  }
  const auto from = fields.integer("from", 1, 0, INT64_MAX);
  const auto epoch = wire::MessageId::parse(fields.text("epoch", outbox_.epoch().str()));
  outbox_.send_again(*epoch, static_cast<std::uint64_t>(from), clock_.steady());
  look();
}

// As the agent does it.
void Unit::Life::recall(const wire::MessageId& id) {
  const auto acks = std::make_shared<const runtime::Acks>(house_, *wire::Token::parse("outbox"));
  wire::Ack forgotten{.ref = id, .domain = "events", .state = CommandState::interrupted};
  forgotten.code = word(ErrorCode::forgotten);
  auto payload = wire::encode(forgotten);
  bus::CommandRow row{.id = id,
                      .method = "outbox",
                      .domain = "events",
                      .expires = clock_.now() + wire::kLongestExpiry,
                      .ack = payload};
  ledger_.refuse(std::move(row),
                 acks->event(id, std::move(payload), std::nullopt),
                 [this, id](Result<bus::Ledger::Entry> entry) {
                   if (entry && entry->verdict != bus::Ledger::Verdict::repeated) {
                     world_.judge.happened("forgotten");
                   } else if (entry) {
                     runtime::Acks(house_, *wire::Token::parse(entry->method))
                         .say_plainly(id, std::move(entry->recorded_ack), std::nullopt);
                   }
                 });
}

void Unit::Life::acknowledged(const bus::Message& message) {
  const auto received = wire::decode_received(message.payload);
  const auto epoch = wire::MessageId::parse(received->epoch);
  if (!outbox_.acknowledged(*epoch, received->upto, clock_.steady())) {
    return;
  }
  journal_.write([epoch = *epoch, upto = received->upto](
                     bus::Journal::Turn& turn) { return turn.storage().erase_events(epoch, upto); },
                 {},
                 bus::Journal::Kind::lazy);
  after(kTidy, [this] { journal_.wake_for_all(); });
  look();
}

// Sees to it that what is due is sent when it is.
void Unit::Life::look() {
  const auto next = outbox_.next_due();
  if (!next || *next >= due_arranged_) {
    return;
  }
  due_arranged_ = *next;
  const auto delay = std::chrono::ceil<milliseconds>(*next - clock_.steady());
  after(std::max(delay, milliseconds(0)), [this] {
    due_arranged_ = Timeline::Steady::max();
    send_due();
  });
}

void Unit::Life::send_due() {
  if (link_.status().state != bus::LinkState::up || reading_) {
    return;
  }
  auto positions = outbox_.due(clock_.steady());
  if (positions.empty()) {
    look();
    return;
  }
  reading_ = true;
  journal_.read([this, positions = std::move(positions)](bus::Storage& storage) {
    std::vector<bus::Message> messages;
    for (const auto& position : positions) {
      if (auto found = storage.event(position); found && *found) {
        messages.push_back(**std::move(found));
      }
    }
    after(milliseconds(0), [this, messages = std::move(messages)] {
      reading_ = false;
      for (const auto& message : messages) {
        publish(message);
      }
      look();
    });
  });
}

void Unit::Life::stop() {
  guarded([this] {
    subscriptions_.clear();
    intake_.serve(nullptr);
    intake_.agent_stops();
    journal_.pump();
  });
}

}  // namespace steward::simulation
