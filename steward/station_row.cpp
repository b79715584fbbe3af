#include "steward/station.hpp"
#include "steward/version.hpp"
#include "subjects/wire/fields.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace steward::station {

std::string Station::station_row() const {
  using nlohmann::json;
  const auto link = bus_.status();
  json units = json::object();
  for (const auto& [state, count] : fold_.units().counts()) {
    units[std::string(wire::word(state))] = count;
  }
  const auto& counts = fold_.counts();
  return wire::dump_json(
      {{"station", settings_.name.str()},
       {"version", kVersion},
       {"broker", link.broker},
       {"link", link.state == bus::LinkState::up ? "up" : "connecting"},
       {"link_error", link.last_error},
       {"connects", link.connects},
       {"rtt_us", link.rtt ? json(link.rtt->count()) : json(nullptr)},
       {"uptime_ms",
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady() - started_).count()},
       {"units", std::move(units)},
       {"messages", counts.folded},
       {"malformed", counts.malformed},
       {"repeated", counts.repeated},
       {"refused", counts.refused},
       {"dropped", inbox_.dropped() + query_inbox_.dropped()},
       {"passed_by", passed_by_.load(std::memory_order_relaxed)},
       {"commands_kept", fold_.commands().size()},
       {"acting", acting()},
       {"undelivered", courier_.undelivered()},
       {"sent_again", courier_.sent_again()},
       {"commits", totals_.commits},
       {"failed_commits", totals_.failed_commits},
       {"db_bytes", store_.bytes()}});
}

}  // namespace steward::station
