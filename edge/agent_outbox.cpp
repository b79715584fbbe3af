// What the agent has on disk: taken over at the start, and what the station asks about it.

#include "edge/agent.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <utility>

namespace steward::edge {

namespace {

constexpr std::size_t kMostRecalled = 256;

// Storage is rid of what was acknowledged with the next group, or after so long.
constexpr std::chrono::milliseconds kTidyPause{2'000};

}  // namespace

Result<void> Agent::load() {
  auto& storage = around_.storage;
  if (auto loaded = outbox_.load(storage, around_.clock.now(), around_.clock.steady()); !loaded) {
    return loaded;
  }
  if (auto loaded = journal_.load(); !loaded) {
    return loaded;
  }
  STEWARD_TRY(auto rows, ledger_.load(storage));
  if (!rows.empty() || outbox_.depth() > 0) {
    log_.info("from before: " + std::to_string(rows.size()) + " commands open, " +
              std::to_string(outbox_.depth()) + " events that the station has not acknowledged");
  }
  recover(std::move(rows));
  return {};
}

void Agent::recover(std::vector<bus::CommandRow> rows) {
  std::map<runtime::HandlerHost*, std::vector<bus::CommandRow>> shares;
  for (auto& row : rows) {
    if (const auto host = routes_.find(row.method + "." + row.domain); host != routes_.end()) {
      shares[host->second].push_back(std::move(row));
      continue;
    }
    give_up(row);
  }
  for (auto& [host, share] : shares) {
    host->recover(std::move(share));
  }
}

// A command of an earlier agent's that no handler serves any more.
void Agent::give_up(const bus::CommandRow& row) {
  const auto method = wire::Token::parse(row.method);
  if (!method) {
    return;
  }
  auto message = around_.storage.message_of(row.id);
  const auto opened = message && *message ? channel_.open(**std::move(message), around_.clock.now())
                                          : tl::unexpected(bus::Refusal{});
  wire::Ack ack{.ref = row.id, .domain = row.domain, .state = wire::CommandState::interrupted};
  ack.code = word(ErrorCode::no_handler);
  ack.message = "no handler here any more for " + row.method + "." + row.domain;
  const runtime::Acks acks(house_, *method);
  acks.say(std::move(ack), opened ? opened->envelope.job : std::nullopt);
}

void Agent::outbox_command(const std::string& payload) {
  const auto object = wire::parse_json(payload);
  if (!object || !object->is_object()) {
    complaint_.say("a command of the outbox was dropped: its payload is no JSON object");
    return;
  }
  wire::Fields fields(*object);
  const auto op = fields.required_text("op");
  if (op == "recall") {
    recall(fields);
  } else if (op == "resend") {
    resend(fields);
  } else {
    complaint_.say("a command of the outbox was dropped: its op is none of resend, recall");
  }
}

// The station misses recorded events: {"op":"resend","from":N}, of this epoch if none is named.
void Agent::resend(wire::Fields& fields) {
  const auto from = fields.integer("from", 1, 0, INT64_MAX);
  const auto epoch = wire::MessageId::parse(fields.text("epoch", outbox_.epoch().str()));
  if (auto read = fields.finish(); !read || !epoch) {
    complaint_.say("a resend was dropped: " + (read ? epoch.error().text() : read.error().text()));
    return;
  }
  outbox_.send_again(*epoch, static_cast<std::uint64_t>(from), around_.clock.steady());
  resender_.look();
}

// The station wants to hear of these commands: {"op":"recall","refs":["<id>", ...]}.
void Agent::recall(wire::Fields& fields) {
  const auto refs = fields.texts("refs");
  const auto read = fields.finish();
  std::vector<wire::MessageId> ids;
  for (const auto& ref : refs) {
    if (const auto id = wire::MessageId::parse(ref)) {
      ids.push_back(*id);
    }
  }
  if (!read || ids.size() != refs.size() || ids.size() > kMostRecalled) {
    complaint_.say("a recall was dropped: its refs are not 256 ids at most");
    return;
  }
  for (const auto& id : ids) {
    recall(id);
  }
}

// A command that is not known here was known once, or the station would not ask: it must not run
// any more.
void Agent::recall(const wire::MessageId& id) {
  static const auto kMethod = wire::Token::parse("outbox");
  const runtime::Acks acks(house_, *kMethod);
  wire::Ack forgotten{.ref = id, .domain = "events", .state = wire::CommandState::interrupted};
  forgotten.code = word(ErrorCode::forgotten);
  forgotten.message = "the unit has lost what it knew of this command";
  auto payload = wire::encode(forgotten);
  bus::CommandRow row{.id = id,
                      .method = kMethod->str(),
                      .domain = forgotten.domain,
                      .expires = around_.clock.now() + wire::kLongestExpiry,
                      .ack = payload};
  ledger_.refuse(std::move(row),
                 acks.event(id, std::move(payload), std::nullopt),
                 [this, id](Result<bus::Ledger::Entry> entry) {
                   if (!entry || entry->verdict != bus::Ledger::Verdict::repeated) {
                     return;  // said with its record; or no room for it: the station asks again
                   }
                   const auto method = wire::Token::parse(entry->method);
                   if (method) {
                     runtime::Acks(house_, *method)
                         .say_plainly(id, std::move(entry->recorded_ack), std::nullopt);
                   }
                 });
}

void Agent::forget_acknowledged(const wire::MessageId& epoch, std::uint64_t upto) {
  if (!outbox_.acknowledged(epoch, upto, around_.clock.steady())) {
    return;
  }
  journal_.write(
      [epoch, upto](bus::Journal::Turn& turn) { return turn.storage().erase_events(epoch, upto); },
      {},
      bus::Journal::Kind::lazy);
  if (!tidy_.active()) {
    tidy_.start(kTidyPause);
  }
  resender_.look();
}

// On the thread that writes.
void Agent::tell_disk(const std::optional<Error>& trouble) {
  if (trouble) {
    log_.error("the disk does not take what is written (" + trouble->text() +
               "): no new command is taken until it does");
  } else {
    log_.info("the disk takes what is written again");
  }
}

}  // namespace steward::edge
