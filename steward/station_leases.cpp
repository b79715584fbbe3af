#include "steward/station.hpp"

// Leases of reboots: one is granted on disk, and only then over the bus.

namespace steward::station {
namespace {

// For units to say hello to a station that begins to act: who is away is passed over.
constexpr std::chrono::seconds kHellosOfWaiting{3};

}  // namespace

void Station::judge_leases() {
  if (!link_up_ || !following_->caught_up()) {
    return;
  }
  const auto moment = now();
  const bool may = acting() && moment.steady >= acting_since_ + kHellosOfWaiting;
  fold_.judge_leases(may ? Fold::Acting::yes : Fold::Acting::no, moment);
  give_leases();
}

// As any command: kept in the stream, where each station of this name sees it, and sent again until
// the unit has said a word about it.
void Station::give_leases() {
  if (!acting() || disk_failing_) {
    return;
  }
  for (const auto& due : fold_.due_grants(now())) {
    const auto subject = wire::Subject::parse(due.unit + ".command.osupdate." + due.domain);
    if (!subject) {
      continue;  // cannot be: it came from the unit on such a one
    }
    auto envelope = channel_.envelope(*subject, clock_.now());
    envelope.id = due.grant;
    envelope.expires = due.expires;
    const auto payload = wire::encode(wire::UpdateRequest(wire::UpdateGrant{due.run}));
    if (auto sent = bus_.publish(channel_.seal(envelope, payload)); !sent) {
      log_.debug("not granted to " + due.unit + ": " + sent.error().text());
    }
  }
}

}  // namespace steward::station
