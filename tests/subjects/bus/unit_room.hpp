#pragma once

#include "subjects/bus/journal.hpp"
#include "subjects/bus/ledger.hpp"
#include "subjects/bus/memory_storage.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace steward::tests {

inline wire::MessageId id_of(std::uint8_t number) { return wire::MessageId::make(1, {number}); }

// A journal with its outbox and ledger on some storage, and clocks that the test turns.
struct UnitRoom {
  explicit UnitRoom(bus::Storage& disk, bus::Ledger::Limits limits = {})
      : storage(disk),
        channel(wire::Source::node(*wire::NodeName::parse("ship1")),
                wire::Completeness::required,
                [this](auto) { return id_of(++ids); }),
        outbox(wire::MessageId::make(2, {++epochs()}), {}),
        journal({storage,
                 outbox,
                 channel,
                 [this](const bus::Message& message) { published.push_back(message); },
                 [this] { return now; },
                 [this] { return steady; }}),
        ledger(journal, limits) {}

  // A new one for each room of the test program, as for each start of an agent.
  static std::uint8_t& epochs() {
    static std::uint8_t count = 0;
    return count;
  }

  bus::Event event(std::string payload) {
    return {channel.envelope(*wire::Subject::parse("ship1.event.ack.work"), now),
            std::move(payload)};
  }

  bus::Journal::Outcome settle() {
    auto outcome = journal.pump();
    while (outcome == bus::Journal::Outcome::done && journal.waits()) {
      outcome = journal.pump();
    }
    return outcome;
  }

  bus::Ledger::Acceptance acceptance(std::uint8_t number, std::string payload = "{}") {
    const auto ack = wire::encode(
        wire::Ack{.ref = id_of(number), .domain = "here", .state = wire::CommandState::accepted});
    bus::CommandRow row{.id = id_of(number),
                        .method = "work",
                        .domain = "here",
                        .expires = now + std::chrono::hours(1),
                        .ack = ack};
    return {row, {"ship1.command.work.here", {}, std::move(payload), {}}, event(ack), [this] {
              return event("cancelled");
            }};
  }

  // Asks for a command to be accepted; what the ledger says of it, later.
  std::shared_ptr<std::optional<Result<bus::Ledger::Entry>>> ask(std::uint8_t number,
                                                                 std::string payload = "{}") {
    auto answer = std::make_shared<std::optional<Result<bus::Ledger::Entry>>>();
    ledger.accept(acceptance(number, std::move(payload)),
                  [answer](Result<bus::Ledger::Entry> entry) { *answer = std::move(entry); });
    return answer;
  }

  Result<bus::Ledger::Entry> accept(std::uint8_t number, std::string payload = "{}") {
    const auto answer = ask(number, std::move(payload));
    settle();
    return answer->value_or(failure(ErrorCode::internal, "no answer"));
  }

  void step(std::uint8_t number, wire::CommandState state) {
    const auto ack =
        wire::encode(wire::Ack{.ref = id_of(number), .domain = "here", .state = state});
    ledger.step(id_of(number), state, ack, event(ack));
    settle();
  }

  std::vector<std::string> said() const {
    std::vector<std::string> words;
    for (const auto& message : published) {
      const auto ack = wire::decode_ack(message.payload);
      words.push_back(ack ? std::string(word(ack->state)) : message.payload);
    }
    return words;
  }

  bus::Storage& storage;
  std::uint8_t ids = 100;
  wire::Timestamp now{std::chrono::microseconds(1'790'000'000'000'000)};
  bus::Outbox::Clock::time_point steady{};
  std::vector<bus::Message> published;
  bus::Channel channel;
  bus::Outbox outbox;
  bus::Journal journal;
  bus::Ledger ledger;
};

}  // namespace steward::tests
