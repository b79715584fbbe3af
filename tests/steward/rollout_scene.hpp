#pragma once

#include "steward/fold.hpp"
#include "steward/store.hpp"
#include "tests/steward/world.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace steward::station::test {

inline constexpr std::uint64_t kRolloutJob = 7;

inline std::string unit_name(std::size_t number) { return "ship" + std::to_string(number); }

// A station without its bus: a fold over a store, both of which can die at any moment, and units
// that answer what is published. The stream of commands outlives it.
class RolloutScene {
 public:
  struct Stored {
    bus::Message message;
    bus::StreamPosition position;
  };

  RolloutScene() { rise(); }

  // A station that knows what its store does, and reads on where that ends.
  void rise() {
    fold.reset();
    store.reset();
    auto opened = Store::open(folder.path() / "station.db", {}, time.now().wall);
    store = std::move(opened->store);
    auto kept = store->load().value();
    const auto at = kept.positions.find("COMMANDS");
    read = at == kept.positions.end() ? 0 : at->second.seq;
    fold = std::make_unique<Fold>(
        node("station"),
        channel,
        Fold::Links{[this](const wire::MessageId& id) { return store->find_command(id).value(); },
                    [](const std::string&) { return std::optional<wire::Facts>(); },
                    [this](std::string_view text) { complaint = text; }},
        Fold::Bounds{});
    fold->restore(std::move(kept), time.now());
    for (std::size_t i = 0; i < fleet; ++i) {
      hello(i);
    }
    follow();
  }

  void hello(std::size_t number) {
    if (!away.contains(number)) {
      fold->take(event(unit_name(number), "hello.agent", wire::encode(wire::Hello{}), 0),
                 time.now());
    }
  }

  bus::Message event(const std::string& unit,
                     const std::string& subject,
                     const std::string& payload,
                     std::uint64_t seq) {
    const bus::Channel own(
        wire::Source::node(node(unit)), wire::Completeness::filled_in, bus::system_ids());
    auto envelope =
        own.envelope(*wire::Subject::parse(unit + ".event." + subject), time.now().wall);
    if (seq > 0) {
      envelope.position = wire::Position{id(500), seq};
    }
    return own.seal(envelope, payload);
  }

  // What an operator or the station publishes: the stream has it.
  void publish(bus::Message message) {
    stream.push_back(
        {std::move(message), {stream.size() + 1, time.now().wall, std::to_string(stream.size())}});
  }

  void command(const wire::RolloutRequest& request, const std::string& who = "anna") {
    auto envelope = wire::make_envelope(bus::system_ids()(time.now().wall),
                                        *wire::Source::parse("/operator/" + who),
                                        *wire::Subject::parse("station.command.rollout.fleet"),
                                        time.now().wall);
    publish(channel.seal(envelope, wire::encode(request)));
    follow();
  }

  wire::RolloutPlan plan(std::size_t units) const {
    return {.rollout = id(kRolloutJob),
            .method = "shellcommand",
            .domain = "operatingsystem",
            .payload = R"({"argv":["true"]})",
            .units = units,
            .canary = 1,
            .batch = 20,
            .max_fail = {2, wire::Amount::Of::units},
            .timeout = std::chrono::minutes(10)};
  }

  wire::RolloutUnits chunk(std::size_t first, std::size_t count) {
    wire::RolloutUnits chunk{id(kRolloutJob), first, {}};
    for (std::size_t i = first; i < first + count; ++i) {
      auto envelope = wire::make_envelope(
          id(10'000 + i),
          *wire::Source::parse("/operator/anna"),
          *wire::Subject::parse(unit_name(i) + ".command.shellcommand.operatingsystem"),
          start);
      envelope.job = id(kRolloutJob);
      envelope.expires = start + std::chrono::hours(24 * 7);
      chunk.units.push_back({unit_name(i), wire::encode_envelope(envelope)});
    }
    return chunk;
  }

  // A fleet that is there, and a rollout for it, handed over in two parts.
  void begin(std::size_t units) {
    fleet = units;
    for (std::size_t i = 0; i < units; ++i) {
      hello(i);
    }
    command(plan(units));
    command(chunk(0, units / 2));
    CHECK(row().state == wire::RolloutState::receiving);
    command(chunk(units / 2, units - units / 2));
  }

  void follow() {
    while (read < stream.size()) {
      const auto& next = stream[read++];
      fold->take_followed(
          bus::Message(next.message), "COMMANDS", next.position, Fold::Life::sign, time.now());
    }
  }

  void commit() {
    REQUIRE(store->commit(fold->batch(), time.now().wall));
    fold->settle();
  }

  // One round of the station's: reads, releases, commits, publishes; units answer at once.
  void round() {
    time.after(std::chrono::milliseconds(200));
    follow();
    fold->judge_expiries(time.now());
    fold->judge_rollouts(Fold::Acting::yes, time.now());
    perhaps_die();
    commit();
    perhaps_die();
    for (const auto& [rollout, number, subject] : fold->due_releases(time.now())) {
      auto found = store->find_rollout_command(rollout, number).value();
      REQUIRE(found);
      publish({subject, found->headers, found->payload, {}});
      ++published;
      answer(number);
      if (perhaps_die()) {
        break;
      }
    }
  }

  // The unit runs it once, and says what it has to say until the station has it.
  void answer(std::size_t number) {
    if (!ran.insert(number).second || mute.contains(number)) {
      return;
    }
    const auto state = bad.contains(number) ? wire::CommandState::failed : wire::CommandState::done;
    const wire::Ack ack{id(10'000 + number), "operatingsystem", state, {}, {}, {}, {}, {}, {}};
    fold->take(event(unit_name(number), "ack.shellcommand", wire::encode(ack), 1), time.now());
  }

  // With a chance the station is killed: what it has not committed is gone, units say it again.
  bool perhaps_die() {
    if (deaths == 0 || random() % 4 != 0) {
      return false;
    }
    --deaths;
    rise();
    for (const auto number : ran) {
      if (!mute.contains(number)) {
        const auto state =
            bad.contains(number) ? wire::CommandState::failed : wire::CommandState::done;
        const wire::Ack ack{id(10'000 + number), "operatingsystem", state, {}, {}, {}, {}, {}, {}};
        fold->take(event(unit_name(number), "ack.shellcommand", wire::encode(ack), 1), time.now());
      }
    }
    return true;
  }

  wire::RolloutRow row() const {
    const auto rows = fold->rollouts().rows(time.now().wall);
    REQUIRE(rows.size() == 1);
    return rows.front();
  }

  // What jobs show says of the units, by state.
  std::map<std::string, std::size_t> job() {
    std::map<std::string, std::size_t> states;
    commit();
    REQUIRE(store->visit_job(id(kRolloutJob), [&states](wire::JobUnit&& unit) {
      ++states[std::string(wire::word(unit.state))];
    }));
    return states;
  }

  Folder folder;
  Script time;
  wire::Timestamp start = time.now().wall;
  bus::Channel channel{
      wire::Source::node(node("station")), wire::Completeness::filled_in, bus::system_ids()};
  std::string complaint;
  std::vector<Stored> stream;
  std::size_t read = 0;
  std::size_t fleet = 0;
  std::set<std::size_t> away;
  std::set<std::size_t> bad;
  std::set<std::size_t> mute;
  std::set<std::size_t> ran;
  std::size_t published = 0;
  int deaths = 0;
  std::mt19937 random{1};
  std::unique_ptr<Store> store;
  std::unique_ptr<Fold> fold;
};

}  // namespace steward::station::test
