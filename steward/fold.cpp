#include "steward/fold.hpp"

#include "steward/identity_alarms.hpp"
#include "subjects/wire/methods.hpp"

#include <algorithm>
#include <utility>

namespace steward::station {
namespace {

constexpr std::size_t kLongestShown = 300;

// Of a text from the bus, what can be shown in one line of a log.
std::string shown_in_log(std::string_view text) {
  std::string out(text.substr(0, kLongestShown));
  for (char& letter : out) {
    if (static_cast<unsigned char>(letter) < 0x20 || static_cast<unsigned char>(letter) > 0x7e) {
      letter = '?';
    }
  }
  return out;
}

// What a station of that name carries out itself.
bool is_own_command(const wire::Subject& subject, const wire::NodeName& own) {
  return !subject.is_broadcast() && subject.node == own &&
         std::find(wire::kStationCommands.begin(),
                   wire::kStationCommands.end(),
                   subject.method.str()) != wire::kStationCommands.end();
}

bool is_recorded_command(std::string_view method) {
  return method != "query" && method != "hello" && method != "outbox";
}

}  // namespace

Fold::Fold(wire::NodeName own,
           const bus::Channel& channel,
           Links links,
           Bounds bounds,
           RebootLeases::Settings reboots)
    : own_(std::move(own)),
      channel_(channel),
      links_(std::move(links)),
      bounds_(bounds),
      facts_(links_.find_facts),
      leases_(reboots) {}

void Fold::restore(Store::Kept kept, Moment now) {
  for (auto& row : kept.units) {
    units_.restore(std::move(row), now);
  }
  for (auto& [unit, counts] : kept.counts) {
    commands_.restore_counts(std::move(unit), counts);
  }
  for (auto& command : kept.open) {
    commands_.restore(std::move(command));
  }
  for (const auto& record : kept.received) {
    received_.restore(record);
  }
  for (auto& [unit, hash] : kept.facts) {
    facts_.restore(std::move(unit), std::move(hash));
  }
  for (auto& row : kept.daemons) {
    daemons_.restore(std::move(row));
  }
  for (auto& row : kept.leases) {
    leases_.restore(std::move(row));
  }
  for (auto& row : kept.alerts) {
    alerts_.restore(std::move(row));
  }
  for (auto& row : kept.silences) {
    alerts_.restore(std::move(row));
  }
  for (auto& row : kept.groups) {
    groups_.restore(std::move(row));
  }
  for (auto& rollout : kept.rollouts) {
    rollouts_.restore(std::move(rollout));
  }
  for (const auto& command : kept.undelivered) {
    next_order_ = std::max(next_order_, command.order + 1);
  }
}

void Fold::take_followed(bus::Message&& message,
                         std::string_view stream,
                         const bus::StreamPosition& position,
                         Life life,
                         Moment now) {
  life_ = life;
  take(std::move(message), {now.steady, position.time});
  life_ = Life::sign;
  batch_.positions.insert_or_assign(std::string(stream), position);
}

UnitTable::Taken Fold::heard(const wire::NodeName& unit, Moment now) {
  return life_ == Life::sign ? units_.heard(unit, now) : units_.expect(unit, now);
}

void Fold::take(bus::Message&& message, Moment now) {
  const std::string subject = message.subject;
  // A command without an id gets a different one from each who takes it in: the unit's ACKs make it
  // known by the unit's.
  const bool named = message.headers.find("ce-id").has_value();
  auto headers = named ? message.headers : wire::Headers();
  auto opened = channel_.open(std::move(message), now.wall);
  if (!opened) {
    malformed(subject, opened.error().error);
    return;
  }
  if (full()) {
    refuse("too much waits for the disk");
    return;
  }
  ++counts_.folded;
  if (opened->transport.kind == wire::Kind::event) {
    take_event(*opened, now);
  } else if (is_own_command(opened->transport, own_)) {
    take_own(*opened, now);
  } else if (named && is_recorded_command(opened->transport.method.str())) {
    take_command(*opened, std::move(headers), now);
    see_grant(*opened, now);
  }
  rollouts_.follow(batch_);
}

void Fold::take_command(const bus::Opened& opened, wire::Headers&& headers, Moment now) {
  const auto& id = opened.envelope.id;
  if (!commands_.knows(id)) {
    if (auto earlier = links_.find_command(id)) {
      commands_.restore(std::move(*earlier));
    }
  }
  const auto known =
      opened.envelope.subject.is_broadcast() ? units_.names() : std::vector<std::string>();
  const auto seen = commands_.command(opened.envelope, opened.payload, known, now, batch_);
  if (seen == CommandTracker::Seen::first_time && commands_.is_unheard(id)) {
    batch_.bytes += opened.payload.size();
    batch_.undelivered.emplace(id,
                               UndeliveredCommand{id,
                                                  next_order_++,
                                                  opened.envelope.expires,
                                                  opened.transport.str(),
                                                  std::move(headers),
                                                  opened.payload});
  }
}

// Each station of this name does the same, whether it acts or not: it is told by the stream alone.
// Of what a stranger sends there is no word in the history, which he could fill.
void Fold::take_own(const bus::Opened& opened, Moment now) {
  const std::string who = opened.transport.method.str() + " of " + opened.envelope.source.str();
  if (auto allowed = channel_.allows(own_, opened, now.wall); !allowed) {
    links_.complain(who + " refused: " + shown_in_log(allowed.error().text()));
    return;
  }
  if (auto done = carry_out(opened, now); !done) {
    note(who + " refused: " + shown_in_log(done.error().text()), now);
  }
}

Result<void> Fold::carry_out(const bus::Opened& opened, Moment now) {
  const std::string by = opened.envelope.source.str();
  if (opened.transport.method.str() == "groups") {
    STEWARD_TRY(const auto request, wire::decode_groups_request(opened.payload));
    if (!groups_.take(request, by, now, batch_)) {
      return failure(ErrorCode::overloaded, "there are 1000 groups already");
    }
    return {};
  }
  if (opened.transport.method.str() == "rollout") {
    return take_rollout(opened, now);
  }
  STEWARD_TRY(const auto request, wire::decode_alerts_request(opened.payload));
  alerts_.take(request, opened.envelope.id.str(), by, now, batch_);
  return {};
}

void Fold::take_event(const bus::Opened& opened, Moment now) {
  if (opened.transport.node == own_) {
    return;
  }
  if (opened.envelope.position) {
    take_recorded(opened, now);
  } else if (opened.transport.method.str() == "hello") {
    take_hello(opened, now);
  } else if (opened.transport.method.str() == "ack") {
    take_ack(opened, now);
  }
}

void Fold::take_hello(const bus::Opened& opened, Moment now) {
  const auto hello = wire::decode_hello(opened.payload);
  if (!hello) {
    malformed(opened.transport.str(), hello.error());
    return;
  }
  if (units_.hello(*opened.transport.node, *hello, now) == UnitTable::Taken::full) {
    refuse("the table of units is full");
    return;
  }
  received_.told(opened.transport.node->str(), hello->outbox, now);
  facts_.hello(opened.transport.node->str(), hello->facts_hash, now);
  if (!hello->bye) {
    hellos_.push_back(
        {opened.transport.node->str(), hello->ledger_open, hello->outbox_depth, hello->policy});
  }
}

void Fold::take_recorded(const bus::Opened& opened, Moment now) {
  const auto& unit = *opened.transport.node;
  if (heard(unit, now) == UnitTable::Taken::full) {
    refuse("the table of units is full");
    return;
  }
  switch (received_.note(unit.str(), *opened.envelope.position, now)) {
    case ReceivedTable::Verdict::repeated:
      ++counts_.repeated;
      return;
    case ReceivedTable::Verdict::refused:
      refuse("too many gaps in the events of " + unit.str());
      return;
    case ReceivedTable::Verdict::fresh:
      break;
  }
  if (opened.transport.method.str() == "ack") {
    take_ack(opened, now);
    return;
  }
  if (opened.transport.method.str() == "facts") {
    take_facts(opened, now);
    return;
  }
  if (opened.transport.method.str() == "alert") {
    take_alert(opened, now);
    return;
  }
  if (opened.transport.method.str() == "daemon") {
    take_daemons(opened, now);
    return;
  }
  if (opened.transport.method.str() == "osupdate") {
    take_updates(opened, now);
  }
  batch_.history.push_back({0,
                            now.wall,
                            unit.str(),
                            "event",
                            opened.transport.method.str() + "." + opened.transport.domain.str() +
                                ": " + shown_in_log(opened.payload)});
}

void Fold::take_facts(const bus::Opened& opened, Moment now) {
  const auto event = wire::decode_facts_event(opened.payload);
  if (!event) {
    malformed(opened.transport.str(), event.error());
    return;
  }
  facts_.take(opened.transport.node->str(), *event, now, batch_);
}

void Fold::take_alert(const bus::Opened& opened, Moment now) {
  const auto event = wire::decode_alert_event(opened.payload);
  if (!event) {
    malformed(opened.transport.str(), event.error());
    return;
  }
  if (!alerts_.take(opened.transport.node->str(),
                    opened.transport.domain.str(),
                    *opened.envelope.position,
                    *event,
                    now,
                    batch_)) {
    refuse("too many alerts of " + opened.transport.node->str());
  }
}

void Fold::take_daemons(const bus::Opened& opened, Moment now) {
  const auto event = wire::decode_daemon_event(opened.payload);
  if (!event) {
    malformed(opened.transport.str(), event.error());
    return;
  }
  daemons_.take(opened.transport.node->str(),
                opened.transport.domain.str(),
                *opened.envelope.position,
                *event,
                now,
                batch_);
}

void Fold::take_ack(const bus::Opened& opened, Moment now) {
  const auto ack = wire::decode_ack(opened.payload);
  if (!ack) {
    malformed(opened.transport.str(), ack.error());
    return;
  }
  if (!opened.envelope.position && heard(*opened.transport.node, now) == UnitTable::Taken::full) {
    refuse("the table of units is full");
    return;
  }
  if (!commands_.knows(ack->ref)) {
    if (auto earlier = links_.find_command(ack->ref)) {
      commands_.restore(std::move(*earlier));
    }
  }
  const auto recorded =
      opened.envelope.position ? CommandTracker::Recorded::yes : CommandTracker::Recorded::no;
  commands_.ack(*ack, opened.transport, opened.envelope.job, recorded, now, batch_);
  leases_.answered(opened.transport.node->str(), *ack, now, batch_);
}

void Fold::malformed(std::string_view subject, const Error& error) {
  ++counts_.malformed;
  links_.complain("malformed message on " + shown_in_log(subject) + ": " +
                  shown_in_log(error.text()));
}

void Fold::refuse(std::string_view why) {
  ++counts_.refused;
  links_.complain("a message was not taken: " + std::string(why));
}

void Fold::judge_identities(Moment now) {
  units_.visit([this, now](const wire::UnitRow& row) {
    alerts_.judge(
        row.unit, std::string(kIdentitySource), identity_alarms(row, now.wall), now, batch_);
  });
}

void Fold::note(std::string text, Moment now) {
  batch_.history.push_back({0, now.wall, own_.str(), "station", std::move(text)});
}

const Batch& Fold::batch() {
  units_.take_changes(batch_);
  received_.take_changes(batch_);
  return batch_;
}

void Fold::settle() {
  batch_ = Batch{};
  commands_.settle();
  rollouts_.settle();
  leases_.settle();
}

bool Fold::full() const {
  return batch_.bytes > bounds_.bytes || batch_.steps.size() > bounds_.rows ||
         batch_.commands.size() > bounds_.rows || batch_.history.size() > bounds_.rows;
}

}  // namespace steward::station
