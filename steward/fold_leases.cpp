#include "steward/fold.hpp"

#include <variant>

// Who may reboot.

namespace steward::station {

void Fold::take_updates(const bus::Opened& opened, Moment now) {
  const auto event = wire::decode_update_event(opened.payload);
  if (!event) {
    malformed(opened.transport.str(), event.error());
    return;
  }
  leases_.take(opened.transport.node->str(),
               opened.transport.domain.str(),
               *opened.envelope.position,
               *event,
               now,
               batch_);
}

// A grant of a station of this name: what one has given the others know.
void Fold::see_grant(const bus::Opened& opened, Moment now) {
  if (opened.transport.method.str() != "osupdate" || opened.transport.is_broadcast() ||
      opened.envelope.source.str() != wire::Source::node(own_).str()) {
    return;
  }
  const auto request = wire::decode_update_request(opened.payload);
  const auto* grant = request ? std::get_if<wire::UpdateGrant>(&request->request) : nullptr;
  if (grant != nullptr) {
    leases_.granted(opened.transport.node->str(),
                    opened.transport.domain.str(),
                    grant->run,
                    opened.envelope.id,
                    now,
                    batch_);
  }
}

void Fold::judge_leases(Acting acting, Moment now) {
  const auto may = acting == Acting::yes && !leases_.empty();
  const RebootLeases::IsThere is_there = [this](std::string_view unit) {
    return units_.is_there(unit);
  };
  leases_.judge(
      now, may ? is_there : nullptr, [this, now] { return channel_.new_id(now.wall); }, batch_);
  for (const auto& unit : leases_.take_touched()) {
    alerts_.judge(unit, std::string(RebootLeases::kSource), leases_.alerts_of(unit), now, batch_);
  }
}

}  // namespace steward::station
