#include "steward/station.hpp"
#include "subjects/bus/crash_point.hpp"
#include "subjects/bus/guard.hpp"
#include "subjects/wire/methods.hpp"

#include <utility>

// What the station owes to the broker's streams: following them, and acting only when it may.

namespace steward::station {
namespace {

using std::chrono::milliseconds;

// A message that is older when it is read is no sign of its unit's life.
constexpr milliseconds kSignOfLife{5'000};

// How long JetStream may take no write, and how long it is given after each complaint.
constexpr milliseconds kStuckAfter{15'000};
constexpr milliseconds kLongestStuck{600'000};

// Units that are asked for a schema or for facts at once, and how long that question stands.
constexpr std::size_t kMostAsked = 200;
constexpr std::chrono::minutes kQuestionExpiry{5};

std::string new_session(wire::Timestamp now) { return bus::system_ids()(now).str(); }

}  // namespace

void Station::follow(const std::map<std::string, bus::StreamPosition>& positions) {
  const auto session = new_session(clock_.now());
  stuck_after_ = kStuckAfter;
  following_ = std::make_unique<Following>(
      bus_,
      Following::Settings{settings_.name.str(),
                          settings_.holder.empty() ? session : settings_.holder,
                          session,
                          settings_.streams},
      positions,
      Following::Links{[this] { loop_.post([this] { drain_followed(); }); },
                       [this](const std::string& text) {
                         log_.info(text);
                         fold_.note(text, now());
                       },
                       [this](std::string_view text) { stream_complaint_.say(text); }});
}

void Station::link_is(const bus::LinkStatus& status) {
  const bool up = status.state == bus::LinkState::up;
  if (up != link_up_) {
    link_up_ = up;
    const std::string text = up ? "link to the broker " + status.broker + " is up"
                                : "link to the broker is lost: " + status.last_error;
    up ? log_.info(text) : log_.warning(text);
    fold_.note(text, now());
    following_->link(up, clock_.steady());
    hellos_wanted_ = true;
  }
  tick();
}

void Station::drain_followed() {
  following_->drain(clock_.steady());
  if (!folding_) {
    fold_some();
  }
  // An answer of JetStream's may have brought the lease, or the end of what there was.
  judge_acting();
}

// What is not taken stays where it is, and the broker sends no more.
void Station::fold_followed() {
  std::size_t round = 0;
  for (; round < kGroupMessages && !fold_.full(); ++round) {
    const auto at = now();
    auto item = following_->next(at.steady);
    if (!item) {
      return;
    }
    const auto age = at.wall - item->position.time;
    const bool sign = item->fresh && age < kSignOfLife && age > -kSignOfLife;
    fold_.take_followed(std::move(item->message),
                        item->stream,
                        item->position,
                        sign ? Fold::Life::sign : Fold::Life::old,
                        at);
    ++uncommitted_;
  }
  if (round == kGroupMessages) {
    fold_soon();
  }
}

void Station::judge_acting() {
  judge_answering();
  const bool may = link_up_ && following_->caught_up() && following_->holds_lease(clock_.steady());
  if (std::exchange(acting_, may) != may) {
    may ? began_acting() : ceased_acting();
  }
}

// Queries are answered by whoever holds the lease, also while it catches up: what it knows has its
// age beside it. Nobody hears them where nobody does, so that an asker is told at once.
void Station::judge_answering() {
  const bool may = link_up_ && following_->holds_lease(clock_.steady());
  if (may == (queries_heard_ != nullptr)) {
    return;
  }
  hellos_wanted_ = true;
  if (!may) {
    queries_heard_.reset();
    log_.info("does not hold the lease: answers no queries");
    return;
  }
  auto heard =
      bus_.subscribe(settings_.name.str() + ".command.query.*",
                     [this](bus::Message&& query) { query_inbox_.push(std::move(query)); });
  if (heard) {
    queries_heard_ = *std::move(heard);
    log_.info("holds the lease: answers queries");
  }
}

void Station::began_acting() {
  bus::crash_point("station.lease.held");
  log_.info("knows all that the streams hold and acts");
  acting_since_ = clock_.steady();
  std::vector<ReceivedRecord> received;
  for (const auto& [outbox, upto] : std::exchange(unacknowledged_, {})) {
    received.push_back({outbox.first, outbox.second, upto});
  }
  acknowledge(received);
  courier_.begin();
  if (std::exchange(hellos_wanted_, false)) {
    ask_for_hellos();
  }
}

void Station::give_policy(const std::vector<Recall::Hello>& hellos) {
  if (guard_ == nullptr || !acting()) {
    return;
  }
  for (const auto& hello : hellos) {
    if (!hello.policy) {
      continue;
    }
    // Who has been away while a root followed another takes the one step before the other.
    const auto [version, document] = guard_->step_after(*hello.policy);
    const auto bytes = document ? document->size() : 0;
    if (policy_rounds_.should_give(hello.unit, *hello.policy, version, bytes, clock_.steady()) &&
        document) {
      log_.info(hello.unit + " has policy version " + std::to_string(*hello.policy) +
                ": it is given version " + std::to_string(version));
      send(hello.unit + ".command." + std::string(wire::kPolicyRoute), *document, "text/plain");
    }
  }
}

void Station::ceased_acting() {
  log_.info("acts no more");
  courier_.cease();
}

void Station::judge_broker() {
  const auto since = following_->failing_since();
  if (!since) {
    stuck_after_ = kStuckAfter;
    stuck_from_.reset();
    return;
  }
  const auto from = stuck_from_.value_or(*since);
  if (clock_.steady() - from < stuck_after_) {
    return;
  }
  stream_complaint_.say("JetStream takes nothing: " + following_->trouble());
  stuck_from_ = clock_.steady();
  stuck_after_ = std::min(stuck_after_ * 2, kLongestStuck);
  if (stuck_) {
    stuck_(following_->trouble());
  }
}

void Station::ask_for_missing() {
  for (const auto& [unit, epoch, from] : fold_.resends(now())) {
    log_.info("events of " + unit + " are missing from " + std::to_string(from) +
              " on: asked again");
    send(unit + ".command.outbox.events",
         "{\"op\":\"resend\",\"from\":" + std::to_string(from) + ",\"epoch\":\"" + epoch.str() +
             "\"}");
  }
}

// Of units that said theirs before we heard them.
void Station::ask_for_schemas() {
  ask(metrics_.lacking(clock_.steady(), kMostAsked), "metrics", R"({"op":"schema"})");
}

// Of units that have other facts than we know of.
void Station::ask_for_facts() {
  ask(fold_.lacking_facts(now(), kMostAsked), "facts", R"({"op":"tell"})");
}

void Station::ask(const std::vector<std::string>& units,
                  const std::string& method,
                  const std::string& payload) {
  const auto subject = wire::Subject::parse("@all.command." + method + ".system");
  if (units.empty() || !subject) {
    return;
  }
  auto envelope = channel_.envelope(*subject, clock_.now());
  envelope.expires = clock_.now() + kQuestionExpiry;
  for (const auto& unit : units) {
    envelope.target += (envelope.target.empty() ? "" : ",") + unit;
  }
  if (auto sent = bus_.publish(channel_.seal(envelope, payload)); !sent) {
    log_.debug("not asked about " + method + ": " + sent.error().text());
  }
}

void Station::ask_for_hellos() { send("@all.command.hello.agent", "{}"); }

}  // namespace steward::station
