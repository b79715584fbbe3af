#include "steward/reboot_leases.hpp"

#include <algorithm>
#include <tuple>

namespace steward::station {
namespace {

using wire::LeaseState;
using wire::RebootLease;
using wire::UpdateEvent;
using wire::UpdatePhase;

// How long a grant may be on its way to the stream before it is published again.
constexpr std::chrono::seconds kGrantFlight{5};

// What became of units that never came back is nobody's concern any more.
constexpr std::chrono::hours kForgetLease{24 * 30};

constexpr std::size_t kLongestWhy = 200;
constexpr std::size_t kMostOver = 10'000;

void note_lease(const RebootLease& lease, std::string text, Moment now, Batch& batch) {
  batch.history.push_back({0, now.wall, lease.unit, "reboot", std::move(text)});
}

// What it is about: the run it tells of, and only what changes who waits.
bool tells_of_lease(const UpdateEvent& event) {
  return event.type == UpdateEvent::Type::phase || event.type == UpdateEvent::Type::end;
}

}  // namespace

void RebootLeases::restore(RebootLease lease) {
  const Key key{lease.unit, lease.domain};
  if (lease.state == LeaseState::held && !lease.seen) {
    flights_.emplace(lease.grant, Flight{key});
  }
  touched_.insert(lease.unit);
  leases_.insert_or_assign(key, std::move(lease));
}

void RebootLeases::put(const RebootLease& lease, Batch& batch) {
  const Key key{lease.unit, lease.domain};
  touched_.insert(lease.unit);
  batch.leases.insert_or_assign(key, lease);
  leases_.insert_or_assign(key, lease);
}

void RebootLeases::erase(const Key& key, Batch& batch) {
  const auto at = leases_.find(key);
  if (at == leases_.end()) {
    return;
  }
  flights_.erase(at->second.grant);
  fresh_.erase(at->second.grant);
  forget(at->second.grant);
  touched_.insert(key.first);
  batch.leases.insert_or_assign(key, std::nullopt);
  leases_.erase(at);
}

// The stream of commands may be read behind what has come of a command.
void RebootLeases::forget(const std::string& id) {
  if (!id.empty() && over_.insert(id).second) {
    over_in_order_.push_back(id);
  }
  if (over_in_order_.size() > kMostOver) {
    over_.erase(over_in_order_.front());
    over_in_order_.pop_front();
  }
}

void RebootLeases::wait(RebootLease& lease, Moment now) {
  flights_.erase(lease.grant);
  fresh_.erase(lease.grant);
  lease.state = LeaseState::waiting;
  lease.since = now.wall;
  lease.expires.reset();
  lease.grant.clear();
  lease.seen = lease.taken = false;
  lease.why.clear();
}

void RebootLeases::take(const std::string& unit,
                        const std::string& domain,
                        const wire::Position& position,
                        const UpdateEvent& event,
                        Moment now,
                        Batch& batch) {
  const Key key{unit, domain};
  if (event.type == UpdateEvent::Type::end) {
    forget(event.id);
  }
  const auto known = leases_.find(key);
  const bool is_known = known != leases_.end();
  if (!tells_of_lease(event) || (is_known && known->second.epoch == position.epoch.str() &&
                                 known->second.seq > position.seq)) {
    return;
  }
  const bool is_it = is_known && known->second.run == event.id;
  const bool waits =
      event.type == UpdateEvent::Type::phase && event.phase == UpdatePhase::lease_wait;
  const bool reboots =
      event.type == UpdateEvent::Type::phase &&
      (event.phase == UpdatePhase::rebooting || event.phase == UpdatePhase::verifying);
  if (!waits && !(reboots && is_it)) {
    return erase(key, batch);
  }
  auto lease = is_it ? known->second : RebootLease{.unit = unit, .domain = domain, .run = event.id};
  if (!is_it) {
    erase(key, batch);
    lease.since = now.wall;
    note_lease(lease, "waits for a lease for its reboot", now, batch);
  } else if (reboots) {
    lease.taken = true;
  } else if (lease.state != LeaseState::waiting &&
             (lease.state != LeaseState::held || lease.taken)) {
    wait(lease, now);  // its agent did not come to reboot, or what was wrong may be right by now
  }
  lease.epoch = position.epoch.str();
  lease.seq = position.seq;
  put(lease, batch);
}

// Another station's, too. What the unit has said of it may be read before or behind it.
void RebootLeases::granted(const std::string& unit,
                           const std::string& domain,
                           const std::string& run,
                           const wire::MessageId& grant,
                           Moment now,
                           Batch& batch) {
  flights_.erase(grant.str());
  fresh_.erase(grant.str());
  const auto known = leases_.find({unit, domain});
  if (over_.contains(run) || over_.contains(grant.str()) ||
      (known != leases_.end() && known->second.run != run)) {
    return;
  }
  auto lease = known == leases_.end() ? RebootLease{.unit = unit, .domain = domain, .run = run}
                                      : known->second;
  if (lease.grant != grant.str()) {
    flights_.erase(lease.grant);
    fresh_.erase(lease.grant);
    lease.state = LeaseState::held;
    lease.since = now.wall;
    lease.expires = now.wall + settings_.ttl;
    lease.grant = grant.str();
    lease.taken = false;
    lease.why.clear();
  } else if (lease.seen) {
    return;
  }
  lease.seen = true;
  put(lease, batch);
}

void RebootLeases::answered(const std::string& unit,
                            const wire::Ack& ack,
                            Moment now,
                            Batch& batch) {
  if (!wire::is_terminal(ack.state)) {
    return;
  }
  for (auto at = leases_.lower_bound({unit, ""}); at != leases_.end() && at->first.first == unit;) {
    auto lease = (at++)->second;
    const Key key{lease.unit, lease.domain};
    if (lease.run == ack.ref.view()) {
      forget(lease.run);
      erase(key, batch);
    } else if (lease.grant == ack.ref.view() && ack.state == wire::CommandState::done) {
      lease.taken = true;
      put(lease, batch);
    } else if (lease.grant == ack.ref.view() && ack.state == wire::CommandState::failed) {
      note_lease(lease, "gives its lease back: " + ack.message.substr(0, kLongestWhy), now, batch);
      erase(key, batch);  // it does not wait any more, or says so again
    } else if (lease.grant == ack.ref.view() && ack.state != wire::CommandState::expired) {
      lease.state = LeaseState::refused;
      lease.since = now.wall;
      lease.why = (ack.code + ": " + ack.message).substr(0, kLongestWhy);
      note_lease(lease, "refuses its lease: " + lease.why, now, batch);
      put(lease, batch);
    }
  }
}

// Who never got its grant and is there again waits again; who has taken it may still be at it.
void RebootLeases::end_overdue(Moment now, const IsThere& is_there, Batch& batch) {
  for (auto at = leases_.begin(); at != leases_.end();) {
    auto lease = (at++)->second;
    const bool ran_out =
        lease.state == LeaseState::held && lease.expires.value_or(now.wall) <= now.wall;
    if ((ran_out && lease.epoch.empty()) ||
        (lease.state == LeaseState::overdue && now.wall - lease.since > kForgetLease)) {
      erase({lease.unit, lease.domain}, batch);
    } else if (ran_out) {
      flights_.erase(lease.grant);
      fresh_.erase(lease.grant);
      lease.state = LeaseState::overdue;
      lease.since = now.wall;
      note_lease(lease, "its lease has run out, and it has not said its end", now, batch);
      put(lease, batch);
    } else if (lease.state == LeaseState::overdue && !lease.taken && is_there &&
               is_there(lease.unit)) {
      wait(lease, now);
      put(lease, batch);
    }
  }
}

void RebootLeases::judge(Moment now, const IsThere& is_there, const NewId& new_id, Batch& batch) {
  end_overdue(now, is_there, batch);
  const auto held = count(LeaseState::held);
  if (!is_there || held >= settings_.at_once) {
    return;
  }
  std::vector<const RebootLease*> waiting;
  for (const auto& [key, lease] : leases_) {
    if (lease.state == LeaseState::waiting && is_there(lease.unit)) {
      waiting.push_back(&lease);
    }
  }
  std::sort(waiting.begin(), waiting.end(), [](const auto* left, const auto* right) {
    return std::tie(left->since, left->unit) < std::tie(right->since, right->unit);
  });
  waiting.resize(std::min(waiting.size(), settings_.at_once - held));
  for (const auto* lease : waiting) {
    grant(*lease, new_id(), now, batch);
  }
}

void RebootLeases::grant(RebootLease lease, const wire::MessageId& id, Moment now, Batch& batch) {
  lease.state = LeaseState::held;
  lease.since = now.wall;
  lease.expires = now.wall + settings_.ttl;
  lease.grant = id.str();
  lease.seen = lease.taken = false;
  fresh_.emplace(lease.grant, Flight{{lease.unit, lease.domain}});
  note_lease(
      lease, "has the lease for its reboot until " + wire::format_time(*lease.expires), now, batch);
  put(lease, batch);
}

void RebootLeases::settle() {
  flights_.merge(fresh_);
  fresh_.clear();
}

std::vector<RebootLeases::Due> RebootLeases::due(Moment now) {
  std::vector<Due> out;
  for (auto& [grant, flight] : flights_) {
    const auto lease = leases_.find(flight.key);
    const auto id = wire::MessageId::parse(grant);
    const bool in_flight = flight.sent && now.steady - *flight.sent < kGrantFlight;
    if (lease == leases_.end() || !id || !lease->second.expires || in_flight) {
      continue;
    }
    flight.sent = now.steady;
    out.push_back({*id,
                   lease->second.unit,
                   lease->second.domain,
                   lease->second.run,
                   *lease->second.expires - settings_.ttl / 2});
  }
  return out;
}

std::vector<wire::Alert> RebootLeases::alerts_of(const std::string& unit) const {
  std::vector<wire::Alert> alerts;
  for (const auto& lease : rows({unit})) {
    if (lease.state == LeaseState::overdue) {
      alerts.push_back({"reboot_overdue",
                        lease.domain,
                        wire::Severity::critical,
                        "it has not said the end of its reboot while it had the lease",
                        0,
                        lease.since});
    } else if (lease.state == LeaseState::refused) {
      alerts.push_back({"reboot_refused",
                        lease.domain,
                        wire::Severity::warning,
                        "it does not take the lease for its reboot: " + lease.why,
                        0,
                        lease.since});
    }
  }
  return alerts;
}

std::vector<RebootLease> RebootLeases::rows(const std::vector<std::string>& units) const {
  std::vector<RebootLease> rows;
  for (const auto& unit : units) {
    for (auto at = leases_.lower_bound({unit, ""}); at != leases_.end() && at->first.first == unit;
         ++at) {
      rows.push_back(at->second);
    }
  }
  return rows;
}

std::size_t RebootLeases::count(LeaseState state) const {
  return static_cast<std::size_t>(
      std::count_if(leases_.begin(), leases_.end(), [state](const auto& entry) {
        return entry.second.state == state;
      }));
}

}  // namespace steward::station
