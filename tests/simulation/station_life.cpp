#include "tests/simulation/station_life.hpp"

#include "subjects/wire/hello.hpp"

#include <algorithm>
#include <utility>

namespace steward::simulation {

using std::chrono::milliseconds;
using wire::CommandState;

namespace {

constexpr milliseconds kGroup{20};
constexpr milliseconds kRetry{2'000};
constexpr milliseconds kTick{500};

// What is older by the stream's time is no sign of a unit's life.
constexpr std::chrono::seconds kFresh{5};

}  // namespace

Station::Life::Life(World& world,
                    NodeClock& clock,
                    const std::filesystem::path& file,
                    const Timeline::Steady& disk_fails_until)
    : world_(world),
      clock_(clock),
      disk_fails_until_(disk_fails_until),
      node_(*wire::NodeName::parse("station")),
      channel_(wire::Source::node(node_), wire::Completeness::required, clock.ids()),
      link_(world.broker, "station", [this](bus::LinkState state) { link_changed(state); }),
      store_(std::move(station::Store::open(file, {}, clock.now())->store)),
      fold_(node_,
            channel_,
            {[this](const wire::MessageId& id) {
               auto found = store_->find_command(id);
               return found ? *std::move(found) : std::nullopt;
             },
             [](const std::string&) { return std::nullopt; },
             [](std::string_view) {}},
            {}),
      redelivery_({},
                  {[&world] { return world.random.fraction(); },
                   [this](std::string_view unit) { return fold_.units().is_there(unit); }}),
      cursors_{Cursor{Broker::Stream::commands, "COMMANDS", {}},
               Cursor{Broker::Stream::state, "STATE", {}}},
      token_(std::make_shared<Life*>(this)) {}

Station::Life::~Life() {
  world_.broker.on_stored(nullptr);
  *token_ = nullptr;
}

void Station::Life::after(milliseconds delay, std::function<void()> step) {
  world_.timeline.after(delay, [token = token_, step = std::move(step)] {
    if (*token != nullptr) {
      step();
    }
  });
}

void Station::Life::start() {
  auto kept = store_->load();
  for (auto& cursor : cursors_) {
    if (const auto at = kept->positions.find(cursor.name); at != kept->positions.end()) {
      cursor.last = at->second;
    }
  }
  restore(*kept);
  fold_.restore(*std::move(kept), now());
  subscriptions_.push_back(*link_.subscribe("*.event.hello.*", [this](bus::Message&& message) {
    fold_.take(std::move(message), now());
    heard();
    commit_soon();
  }));
  after(kTick, [this] { tick(); });
  world_.broker.on_stored([this] { follow_soon(); });
}

void Station::Life::restore(const station::Store::Kept& kept) {
  std::map<wire::MessageId, const station::TrackedCommand*> open;
  for (const auto& command : kept.open) {
    open.emplace(command.id, &command);
    for (const auto& [unit, on_unit] : command.units) {
      recall_.step(command.id, unit, on_unit.state, now());
    }
  }
  for (const auto& command : kept.undelivered) {
    const auto at = open.find(command.id);
    for (const auto& [unit, on_unit] :
         at == open.end() ? decltype(at->second->units)() : at->second->units) {
      if (on_unit.state == CommandState::sent) {
        redelivery_.restore(command, unit, now());
      }
    }
  }
}

void Station::Life::link_changed(bus::LinkState state) {
  for (auto& cursor : cursors_) {
    cursor.following = false;
    if (state == bus::LinkState::up) {
      attach(cursor);
    }
  }
  if (state == bus::LinkState::up) {
    say("@all.command.hello.agent", "{}");
  }
}

// Makes the stream where it is missing, and looks whether it still holds the last message.
void Station::Life::attach(Cursor& cursor) {
  auto& broker = world_.broker;
  broker.make(cursor.stream);
  if (cursor.last.seq > 0) {
    const auto* found = broker.find(cursor.stream, cursor.last.seq);
    if (found == nullptr || found->position.id != cursor.last.id ||
        found->position.time != cursor.last.time) {
      world_.judge.happened("station followed from the first again");
      cursor.last = {};
    }
  }
  cursor.goal = broker.last(cursor.stream);
  cursor.following = true;
  follow_soon();
}

bool Station::Life::caught_up() const {
  return std::all_of(cursors_.begin(), cursors_.end(), [](const Cursor& cursor) {
    return cursor.following && cursor.last.seq >= cursor.goal;
  });
}

bool Station::Life::acting() const {
  return link_.status().state == bus::LinkState::up && caught_up() &&
         clock_.steady() >= disk_fails_until_;
}

// The broker pushes what is new; what it holds already it pushes in turns.
void Station::Life::follow_soon() {
  if (!std::exchange(follow_arranged_, true)) {
    after(world_.random.between(milliseconds(1), milliseconds(60)), [this] { follow(); });
  }
}

// Takes some of what the streams hold, the older one first, as the broker pushes it.
void Station::Life::follow() {
  follow_arranged_ = false;
  for (auto left = 1 + world_.random.below(8); left > 0; --left) {
    Cursor* first = nullptr;
    const Broker::Stored* oldest = nullptr;
    for (auto& cursor : cursors_) {
      const auto* next = cursor.following && !fold_.full()
                             ? world_.broker.read(cursor.stream, cursor.last.seq + 1)
                             : nullptr;
      if (next != nullptr && (oldest == nullptr || next->position.time < oldest->position.time)) {
        first = &cursor;
        oldest = next;
      }
    }
    if (first == nullptr) {
      heard();
      return;
    }
    const auto life = clock_.now() - oldest->position.time < kFresh ? station::Fold::Life::sign
                                                                    : station::Fold::Life::old;
    auto message = oldest->message;
    first->last = oldest->position;
    fold_.take_followed(std::move(message), first->name, first->last, life, now());
    commit_soon();
  }
  heard();
  follow_soon();
}

void Station::Life::heard() {
  for (const auto& unit : fold_.take_returned()) {
    redelivery_.returned(unit, now());
    returned_[unit] = clock_.steady();
  }
  for (const auto& hello : fold_.take_hellos()) {
    if (!acting()) {
      continue;
    }
    const auto refs = recall_.hello(hello, now());
    if (refs.empty()) {
      continue;
    }
    world_.judge.happened("recall asked");
    std::string list;
    for (const auto& ref : refs) {
      list += (list.empty() ? "\"" : ",\"") + ref.str() + "\"";
    }
    say(hello.unit + ".command.outbox.events", R"({"op":"recall","refs":[)" + list + "]}");
  }
}

void Station::Life::commit_soon() {
  if (!std::exchange(commit_arranged_, true)) {
    after(kGroup, [this] { commit(); });
  }
}

void Station::Life::commit() {
  commit_arranged_ = false;
  const auto& batch = fold_.batch();
  if (batch.empty()) {
    return;
  }
  if (clock_.steady() < disk_fails_until_) {
    commit_arranged_ = true;
    after(kRetry, [this] { commit(); });
    return;
  }
  if (auto written = store_->commit(batch, clock_.now()); !written) {
    world_.judge.broken("the station cannot write: " + written.error().text());
    return;
  }
  committed(batch);
  const auto copy = batch;
  fold_.settle();
  if (acting()) {
    acknowledge(copy);
  }
}

// As the program's courier does it.
void Station::Life::committed(const station::Batch& batch) {
  for (const auto& step : batch.steps) {
    const bool by_unit = step.said_by == station::SaidBy::unit;
    world_.judge.committed(step.unit, step.command, step.state, by_unit);
    if (!by_unit && step.state == CommandState::expired) {
      world_.judge.happened("expired by the station's presumption");
    } else if (!by_unit && step.state == CommandState::cancelled) {
      world_.judge.happened("cancelled by the station's presumption");
    }
    recall_.step(step.command, step.unit, step.state, now());
    if (step.state != CommandState::sent) {
      redelivery_.answered(step.command, step.unit, now());
      continue;
    }
    if (const auto at = batch.undelivered.find(step.command); at != batch.undelivered.end()) {
      const auto& command = at->second;
      redelivery_.published(
          {command.id, command.order, command.expires, command.payload.size()}, step.unit, now());
    }
  }
  for (const auto& [command, unit] : batch.withheld) {
    redelivery_.answered(command, unit, now());
  }
}

void Station::Life::acknowledge(const station::Batch& batch) {
  for (const auto& [outbox, upto] : batch.received) {
    say("station.event.received." + outbox.first, wire::encode({outbox.second.str(), upto}));
  }
}

void Station::Life::tick() {
  fold_.judge_silence(now());
  if (caught_up() && link_.status().state == bus::LinkState::up) {
    fold_.judge_expiries(now());
  }
  if (acting() && !was_acting_) {
    redelivery_.again(now());
  }
  was_acting_ = acting();
  if (acting()) {
    for (const auto& resend : fold_.resends(now())) {
      world_.judge.happened("resend asked for a gap");
      say(resend.unit + ".command.outbox.events",
          R"({"op":"resend","from":)" + std::to_string(resend.from) + "}");
    }
    redeliver();
  }
  commit_soon();
  follow_soon();
  after(kTick, [this] { tick(); });
}

void Station::Life::redeliver() {
  for (const auto& next : redelivery_.due(now())) {
    const auto returned = returned_.find(next.unit);
    const bool just_now =
        returned != returned_.end() && clock_.steady() - returned->second < std::chrono::seconds(1);
    world_.judge.happened(just_now ? "redelivered on return" : "redelivered by backoff");
    send(next);
  }
}

void Station::Life::send(const station::Redelivery::Send& next) {
  auto found = store_->find_undelivered(next.command);
  if (!found || !*found) {
    return;
  }
  auto& command = **found;
  if (command.subject.rfind("@all", 0) == 0) {
    world_.judge.happened("broadcast delivered singly");
  }
  bus::Message message{next.unit + command.subject.substr(command.subject.find('.')),
                       command.headers,
                       command.payload,
                       {}};
  message.headers.add("Nats-Expected-Stream", "none");
  static_cast<void>(link_.publish(message).has_value());
}

void Station::Life::say(const std::string& subject, std::string payload) {
  auto envelope = channel_.envelope(*wire::Subject::parse(subject), clock_.now());
  static_cast<void>(link_.publish(channel_.seal(envelope, std::move(payload))).has_value());
}

std::map<std::string, Station::OnUnit> Station::Life::command(const wire::MessageId& id) {
  std::map<std::string, OnUnit> units;
  const auto job = store_->find_job(id);
  if (!job || !*job) {
    return units;
  }
  const auto visited = store_->visit_job((*job)->job.job, [&](wire::JobUnit&& row) {
    if (row.command != id) {
      return;
    }
    auto& on_unit = units[row.unit];
    on_unit.state = wire::word(row.state);
    on_unit.code = row.code;
    for (const auto& change : row.history) {
      on_unit.terminal_steps += wire::is_terminal(change.state) ? 1 : 0;
    }
  });
  static_cast<void>(visited.has_value());
  return units;
}

}  // namespace steward::simulation
